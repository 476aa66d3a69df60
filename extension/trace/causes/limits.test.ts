import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('two threads that seem to wait for each other: a limit, not a loop', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const other = trace.thread('other', { cpu: 1 });
  trace.waits(engine, { from: 10_000, woken: 20_000, by: other, reason: 'pipe' });
  trace.waits(other, { from: 10_000, woken: 20_000, by: engine, reason: 'pipe' });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    ['slow_call engine 10000-20000', '  waited_for other 10000-20000', '    limit engine 10000-20000'].join(
      '\n',
    ),
  );
  assert.match(cause.examples[0]?.children[0]?.children[0]?.label ?? '', /already part of the chain/);
});

test('a wait that is too short to follow is a leaf', () => {
  for (const [lengthUs, edges] of [
    [45, 'waited_for'],
    [55, 'waited_for on_cpu'],
  ] as const) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const other = trace.thread('other', { cpu: 1 });
    trace.waits(engine, { from: 15_000, woken: 15_000 + lengthUs, by: other, reason: 'pipe' });
    const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000));
    const wait = cause.examples[0]?.children[1];
    assert.equal([wait?.edge, ...(wait?.children ?? []).map(({ edge }) => edge)].join(' '), edges);
  }
});

test('a chain of twenty threads ends at sixteen steps, and says so', () => {
  const trace = new FixtureTrace(50_000);
  const threads = Array.from({ length: 20 }, (_, i) => trace.thread(`t${i}`, { cpu: i }));
  threads.forEach((thread, i) => {
    const by = threads[i + 1];
    if (by !== undefined) trace.waits(thread, { from: 10_000, woken: 20_000, by, reason: 'pipe' });
  });
  const [first] = threads;
  if (first === undefined) throw new Error('there are twenty');
  const cause = explained(trace, trace.call(first, 'cudaLaunchKernel', 10_000, 20_000));
  let last = cause.examples[0];
  let depth = 0;
  for (; last !== undefined && last.children.length > 0; depth++) last = last.children[0];
  assert.equal(depth, 16);
  assert.equal(last?.edge, 'limit');
  assert.match(last?.label ?? '', /not followed deeper than 16 steps/);
  assert.equal(cause.kind, 'lead');
});
