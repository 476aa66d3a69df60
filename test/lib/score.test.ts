// Precision and recall on explanations that are made up: what is right counts, what is wrong or vague does not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CauseNode, Edge } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { score } from './score.ts';
import { CULPRIT, type Logged, OBJECT, type Steps } from './story.ts';

const tids = { engine: 1, holder: 2, spinner: 3 } as const;
type Name = keyof typeof tids;

const node = (edge: Edge, thread: Name, from: number, to: number, children: CauseNode[] = []): CauseNode => ({
  edge,
  state: edge === 'on_cpu' ? 'running' : edge === 'behind' ? 'runnable' : 'lock',
  thread: { id: tids[thread], tid: tids[thread], pid: 1, name: thread, process: thread },
  startNs: ns(from),
  durationNs: ns(to - from),
  label: edge,
  confidence: 1,
  rows: [],
  children,
  object: { id: 1, kind: 'futex', address: 0xbeef },
});

const logged = (word: string, thread: Name, startNs: number, endNs: number, object = 0xbeef): Logged => ({
  word,
  thread,
  tid: tids[thread],
  object,
  startNs,
  endNs,
});

const lock = { edge: 'lock', thread: 'engine', object: OBJECT } as const;
const words: Readonly<Record<string, Steps>> = {
  held: [lock, { edge: 'held_by', thread: CULPRIT }, { edge: 'on_cpu' }],
  off: [lock, { edge: 'held_by', thread: 'holder' }, { edge: 'behind', process: 'spinner' }],
};
const delay = logged('held', 'engine', 1000, 2000);
const stretches = [logged('held', 'holder', 900, 2000), logged('off', 'holder', 1400, 1700)];

const told = (parts: CauseNode[]): CauseNode =>
  node('window', 'engine', 1000, 2000, [
    node('lock', 'engine', 1000, 2000, [node('held_by', 'holder', 1000, 2000, parts)]),
  ]);
const right = [
  node('on_cpu', 'holder', 1000, 1400),
  node('behind', 'spinner', 1400, 1700),
  node('on_cpu', 'holder', 1700, 2000),
];

const cases: readonly [name: string, tree: CauseNode, log: Logged, rightNs: number, blamedNs: number][] = [
  ['all right', told(right), delay, 1000, 1000],
  ['the competitor missed', told([node('on_cpu', 'holder', 1000, 2000)]), delay, 700, 1000],
  ['a competitor made up', told([node('behind', 'spinner', 1000, 2000)]), delay, 300, 1000],
  ['another object', told(right), { ...delay, object: 0xf00d }, 0, 1000],
  [
    'another holder',
    node('window', 'engine', 1000, 2000, [
      node('lock', 'engine', 1000, 2000, [node('held_by', 'spinner', 1000, 2000, right)]),
    ]),
    delay,
    0,
    1000,
  ],
  [
    'everything on the CPU',
    node('window', 'engine', 1000, 2000, [node('on_cpu', 'engine', 1000, 2000)]),
    delay,
    0,
    1000,
  ],
  [
    'nothing explained',
    node('window', 'engine', 1000, 2000, [node('unexplained', 'engine', 1000, 2000)]),
    delay,
    0,
    0,
  ],
  [
    'half unexplained',
    told([node('on_cpu', 'holder', 1000, 1400), node('unexplained', 'holder', 1400, 2000)]),
    delay,
    400,
    400,
  ],
];

const alone = (tree: CauseNode) => [{ tree, weight: 1 }];

for (const [name, tree, log, rightNs, blamedNs] of cases)
  test(name, () => {
    const said = score(alone(tree), [log], stretches, words);
    assert.deepEqual([said.trueNs, said.rightNs, said.blamedNs], [1000, rightNs, blamedNs]);
    assert.equal(
      [...said.wrongNs.values()].reduce((sum, ns) => sum + ns, 0),
      1000 - rightNs,
    );
  });

test('a delay that was not found costs recall alone', () => {
  const said = score([], [delay], stretches, words);
  assert.deepEqual([said.trueNs, said.rightNs, said.blamedNs], [1000, 0, 0]);
  assert.deepEqual([...said.wrongNs], [['a delay that was not found', 1000]]);
});

test('what is said of a time that was not late costs precision', () => {
  const longer = node('slow_gap', 'engine', 600, 2000, [
    node('on_cpu', 'engine', 600, 1000),
    ...told(right).children,
  ]);
  const said = score(alone(longer), [delay], stretches, words);
  assert.deepEqual([said.trueNs, said.rightNs, said.blamedNs], [1000, 1000, 1400]);
  const nowhere = score(alone(told(right)), [], stretches, words);
  assert.deepEqual([nowhere.trueNs, nowhere.rightNs, nowhere.blamedNs], [0, 0, 1000]);
});

test("another thread's delay is not this one's", () => {
  const said = score(alone(told(right)), [{ ...delay, tid: tids.spinner }], stretches, words);
  assert.deepEqual([said.rightNs, said.blamedNs], [0, 1000]);
});

test('the example of a sum stands for all its calls', () => {
  const half = { ...delay, endNs: 1500 };
  const said = score([{ tree: told(right), weight: 3 }], [half], stretches, words);
  assert.deepEqual([said.rightNs, said.blamedNs], [500, 3000]); // no more is right than there was
});

test('a word that the story does not explain is an error, not a miss', () => {
  const unheard = { ...delay, word: 'unheard' };
  assert.throws(() => score(alone(told(right)), [unheard], [], words), /"unheard"/);
});
