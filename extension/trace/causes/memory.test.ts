import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

import { innermost } from '../columns/stalls.ts';

test('on the CPU in a page fault or in reclaim is the kernel at work on memory', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  trace.stall(engine, 'page_fault', 11_000, 15_000);
  trace.stall(engine, 'reclaim', 12_000, 14_000);
  const cause = explained(trace, trace.call(engine, 'cudaMalloc', 10_000, 16_000, 'allocate'));
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-16000',
      '  on_cpu engine 10000-11000',
      '  page_fault engine 11000-12000',
      '  page_fault engine 12000-14000',
      '  page_fault engine 14000-15000',
      '  on_cpu engine 15000-16000',
    ].join('\n'),
  );
  assert.deepEqual(
    cause.examples[0]?.children.map(({ label }) => label),
    [
      'on the CPU in cudaMalloc',
      'in the kernel for a page fault',
      'in the kernel for memory (reclaim)',
      'in the kernel for a page fault',
      'on the CPU in cudaMalloc',
    ],
  );
});

test('blocked for memory: by its reason, by a stall around it, with the request that brought the page', () => {
  const cases: readonly {
    why: string;
    reason: string;
    stall?: 'page_fault' | 'reclaim';
    io?: boolean;
    said: string;
  }[] = [
    { why: 'its reason', reason: 'page_fault', said: 'page_fault: waiting for a page fault' },
    {
      why: 'a stall',
      reason: 'uninterruptible',
      stall: 'reclaim',
      said: 'page_fault: waiting for the kernel to free memory (reclaim)',
    },
    {
      why: 'both, and a request',
      reason: 'page_fault',
      stall: 'page_fault',
      io: true,
      said: 'page_fault: waiting for a page fault, read from vda > disk, disk',
    },
    { why: 'neither', reason: 'uninterruptible', said: 'unexplained: who woke it was not seen' },
  ];
  for (const { why, reason, stall, io, said } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const blockIo = trace.blockIo({ from: 10_000, issued: 11_000, to: 15_000 });
    if (stall !== undefined) trace.stall(engine, stall, 9_900, 15_200);
    trace.waits(engine, { from: 10_000, woken: 15_000, reason, ...(io === true ? { blockIo } : {}) });
    const cause = explained(trace, trace.call(engine, 'cudaMalloc', 10_000, 15_000, 'allocate'));
    const [wait] = cause.examples[0]?.children ?? [];
    const below = (wait?.children ?? []).map(({ edge }) => edge).join(', ');
    assert.equal(`${wait?.edge}: ${wait?.label}${below === '' ? '' : ` > ${below}`}`, said, why);
  }
});

test('stalls that nest or overlap: each moment belongs to the one that began last', () => {
  const stall = (id: number, startNs: number, endNs: number) => ({ id, kind: `${id}`, startNs, endNs });
  const cases: readonly (readonly [readonly (readonly [number, number, number])[], string])[] = [
    [
      [
        [1, 0, 10],
        [2, 2, 5],
      ],
      '1:0-2 2:2-5 1:5-10',
    ],
    [
      [
        [1, 0, 10],
        [2, 2, 5],
        [3, 3, 4],
      ],
      '1:0-2 2:2-3 3:3-4 2:4-5 1:5-10',
    ],
    [
      [
        [1, 0, 5],
        [2, 3, 9],
      ],
      '1:0-3 2:3-9',
    ],
    [
      [
        [1, 0, 5],
        [2, 5, 6],
        [3, 8, 8],
      ],
      '1:0-5 2:5-6',
    ],
    [
      [
        [2, 4, 9],
        [1, 4, 9],
      ],
      '2:4-9',
    ],
  ];
  for (const [given, expected] of cases) {
    const cut = innermost(given.map(([id, from, to]) => stall(id, from, to)));
    assert.equal(cut.map(({ id, startNs, endNs }) => `${id}:${startNs}-${endNs}`).join(' '), expected);
  }
});
