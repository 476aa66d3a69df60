// The mechanism is what was waited for, not which call waited.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CauseNode, Edge, State } from '../trace/api.ts';
import { ns } from '../trace/time.ts';
import { blockingMechanism } from './mechanism.ts';

const node = (
  edge: Edge,
  state: State,
  durationNs: number,
  children: readonly CauseNode[] = [],
): CauseNode => ({
  edge,
  state,
  thread: undefined,
  startNs: ns(0),
  durationNs: ns(durationNs),
  label: `${edge} of ${durationNs}`,
  confidence: 1,
  rows: [],
  children,
});
const onCpu = (durationNs: number) => node('on_cpu', 'running', durationNs);
const delay = (...children: readonly CauseNode[]) =>
  node(
    'slow_call',
    'running',
    children.reduce((sum, child) => sum + child.durationNs, 0),
    children,
  );

const cases: readonly [what: string, root: CauseNode, expected: string][] = [
  [
    'a lock inside of a nested call, held by one who waited for a CPU',
    delay(
      onCpu(50),
      node('nested_call', 'running', 19_650, [
        onCpu(50),
        node('lock', 'lock', 19_600, [
          node('held_by', 'lock', 19_600, [node('runnable', 'runnable', 19_600)]),
        ]),
      ]),
    ),
    'lock (lock): lock of 19600',
  ],
  [
    'many short waits for one thing weigh more than one longer wait for another',
    delay(node('disk', 'disk', 40), node('lock', 'lock', 30), node('lock', 'lock', 31), onCpu(10)),
    'lock (lock): lock of 31',
  ],
  ['mostly on the CPU', delay(onCpu(60), node('disk', 'disk', 40)), 'on cpu (running): on_cpu of 60'],
  [
    'on the CPU longest, but waiting for most of the time',
    delay(onCpu(40), node('disk', 'disk', 35), node('lock', 'lock', 25)),
    'disk (disk): disk of 35',
  ],
  ['nothing below', node('slow_call', 'running', 5), 'slow call (running): slow_call of 5'],
];

for (const [what, root, expected] of cases) test(what, () => assert.equal(blockingMechanism(root), expected));
