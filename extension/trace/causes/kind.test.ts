import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CauseNode, Edge } from '../api.ts';
import { siteOf } from './kernel-site.ts';
import { certain, kindOfPath, severityOf } from './kind.ts';
import { leaf } from './nodes.ts';
import { addNode, type Strand } from './strand.ts';

/** A path of strands with these edges, one inside the other. */
const path = (...edges: readonly Edge[]): readonly Strand[] => pathOf(edges.map(edge => [edge, 1]));

/** The same, each with the process of its thread. */
function pathOf(links: readonly (readonly [Edge, pid: number])[]): readonly Strand[] {
  return links.map(([edge, pid]) => {
    const node: CauseNode = leaf({
      edge,
      state: 'other',
      thread: { id: pid, tid: pid, pid, name: 'thread', process: 'process' },
      startNs: 0,
      endNs: 10,
      label: edge,
    });
    const strands = new Map<string, Strand>();
    addNode(strands, node);
    const [strand] = strands.values();
    if (strand === undefined) throw new Error('one node makes one strand');
    return strand;
  });
}

test('what a path amounts to', () => {
  const cases: readonly (readonly [readonly Edge[], string])[] = [
    [['lock', 'held_by', 'on_cpu'], 'cause'],
    [['lock', 'held_by', 'runnable', 'behind'], 'cause'],
    [['lock', 'held_by', 'asked_to_sleep'], 'cause'],
    [['lock', 'hand_off', 'behind'], 'cause'],
    [['lock', 'unexplained'], 'lead'],
    [['runnable', 'behind'], 'cause'],
    [['runnable'], 'cause'],
    [['throttled'], 'cause'],
    [['disk', 'disk'], 'cause'],
    [['page_fault'], 'cause'],
    [['waited_for', 'on_cpu'], 'cause'],
    [['waited_for', 'disk'], 'cause'],
    [['waited_for', 'asked_to_sleep'], 'work'],
    [['waited_for', 'waited_for', 'gpu'], 'work'],
    [['waited_for', 'interrupt'], 'work'],
    [['waited_for', 'unexplained'], 'lead'],
    [['waited_for', 'limit'], 'lead'],
    [['on_cpu'], 'work'],
    [['gpu'], 'work'],
    [['asked_to_sleep'], 'work'],
    [['interrupt'], 'work'],
    [['unexplained'], 'work'],
  ];
  for (const [edges, kind] of cases)
    assert.equal(kindOfPath(path(...edges), undefined), kind, edges.join(' > '));
});

test("a lock that only a probe of the capture asked for is nobody else's trouble", () => {
  const [lock, ...rest] = path('kernel_lock', 'held_by', 'on_cpu');
  assert.ok(lock);
  const asked = (site: string): readonly Strand[] => [
    { ...lock, worst: { ...lock.worst, label: `waiting for a lock inside the kernel (${site})` } },
    ...rest,
  ];
  const probe = siteOf([
    { function: 'find_active_uprobe', kind: 'kernel', file: undefined, line: undefined },
  ]);
  assert.equal(kindOfPath(asked(probe ?? ''), undefined), 'work');
  assert.equal(kindOfPath(asked('the address space of the process'), undefined), 'cause');
});

test('who is last to answer decides whether it was the collector', () => {
  const collector = 777;
  const cases: readonly (readonly [readonly (readonly [Edge, number])[], string])[] = [
    [
      [
        ['runnable', 1],
        ['behind', collector],
      ],
      'work',
    ],
    [
      [
        ['kernel_lock', 1],
        ['held_by', collector],
        ['unexplained', collector],
      ],
      'work',
    ],
    [
      [
        ['lock', 1],
        ['held_by', 1],
        ['runnable', 1],
        ['behind', collector],
      ],
      'work',
    ],
    [
      [
        ['waited_for', 1],
        ['runnable', 1],
        ['behind', collector],
      ],
      'work',
    ],
    [
      [
        ['lock', 1],
        ['held_by', 1],
        ['runnable', 1],
        ['behind', 2],
      ],
      'cause',
    ],
  ];
  for (const [links, kind] of cases) assert.equal(kindOfPath(pathOf(links), collector), kind, String(links));
});

test('a cause is seen often, mostly explained, and not merely inferred', () => {
  const sure = { count: 3, explained: 0.6, confidence: 0.7 };
  assert.equal(certain('cause', sure), 'cause');
  assert.equal(certain('cause', { ...sure, count: 2 }), 'lead');
  assert.equal(certain('cause', { ...sure, explained: 0.59 }), 'lead');
  assert.equal(certain('cause', { ...sure, confidence: 0.6 }), 'lead');
  assert.equal(certain('work', { ...sure, count: 1 }), 'work');
});

test('severity is the share of the thread, or one long stall', () => {
  assert.equal(severityOf('cause', 0.1, 0), 'critical');
  assert.equal(severityOf('cause', 0.001, 100e6), 'critical');
  assert.equal(severityOf('lead', 0.03, 0), 'high');
  assert.equal(severityOf('cause', 0.01, 0), 'medium');
  assert.equal(severityOf('cause', 0.0099, 0), 'low');
  assert.equal(severityOf('work', 0.9, 1e9), undefined);
});
