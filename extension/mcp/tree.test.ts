// Cutting a tree keeps what it is about: the way to the heaviest leaf.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause, CauseNode } from '../trace/api.ts';
import { ns } from '../trace/time.ts';
import { fitCauses, mainPath, type SentNode } from './tree.ts';

let nextId = 1;

function node(label: string, durationNs: number, children: readonly CauseNode[] = []): CauseNode {
  return {
    edge: 'runnable',
    state: 'runnable',
    thread: undefined,
    startNs: ns(0),
    durationNs: ns(durationNs),
    label,
    confidence: 1,
    rows: Array.from({ length: 6 }, () => ({ table: 'off_cpu' as const, id: nextId++ })),
    children,
  };
}

/** A bushy tree whose heaviest leaf hangs below a child that is not the heaviest itself. */
const tree = node('root', 1000, [
  node(
    'heavy but split',
    600,
    Array.from({ length: 20 }, (_, i) => node(`part ${i}`, 30)),
  ),
  node('narrow', 400, [node('on the way', 400, [node('main leaf', 390), node('rest', 10)])]),
]);

const cause = (id: string): Cause => ({
  id,
  kind: 'cause',
  sentence: `sentence ${id}`,
  severity: 'high',
  confidence: { value: 0.9, loweredBy: [] },
  share: 0.1,
  timeNs: ns(1000),
  count: 3,
  explained: 1,
  state: undefined,
  examples: [tree, tree, tree],
});

test('the main path ends at the heaviest leaf, not below the heaviest child', () => {
  assert.deepEqual(
    mainPath(tree).map(n => n.label),
    ['root', 'narrow', 'on the way', 'main leaf'],
  );
});

test('what fits is sent whole, and no cut is said', () => {
  const { causes, cuts } = fitCauses([cause('a')], 1e6);
  assert.deepEqual(causes, [cause('a')]);
  assert.deepEqual(cuts, []);
});

for (const room of [20_000, 8_000, 4_000, 2_000, 100]) {
  test(`${room} characters: the main leaf stays, every cut is said and counted`, () => {
    const many = ['a', 'b', 'c', 'd'].map(cause);
    const { causes, cuts } = fitCauses(many, room);
    assert.ok(causes.length >= 1);
    if (causes.length > 1 || room > 2_000) assert.ok(JSON.stringify(causes).length <= room);
    if (causes.length < many.length) assert.match(cuts[0] ?? '', new RegExp(`^${causes.length} of 4 causes`));
    assert.ok(cuts.length > 0);
    for (const sent of causes) {
      const [example] = sent.examples;
      assert.ok(example !== undefined);
      assert.ok(labels(example).includes('main leaf'));
      assert.equal(present(example) + leftOut(example), present(tree as SentNode));
      assert.equal(weight(example), tree.durationNs, 'what is left out is still counted');
    }
  });
}

const labels = (root: SentNode): string[] => [root.label, ...root.children.flatMap(labels)];
const present = (root: SentNode): number => root.children.reduce((sum, child) => sum + present(child), 1);
const leftOut = (root: SentNode): number =>
  root.children.reduce((sum, child) => sum + leftOut(child), root.leftOut?.nodes ?? 0);
const weight = (root: SentNode): number =>
  root.children.length === 0 && root.leftOut === undefined
    ? root.durationNs
    : root.children.reduce((sum, child) => sum + weight(child), root.leftOut?.timeNs ?? 0);

test('however much is cut, the competitor that took most in all stays beside the heaviest leaf', () => {
  const pids = { 'behind spinner': 10, 'behind kworker': 20, 'behind sshd': 30 } as const;
  const behind = (label: keyof typeof pids, durationNs: number): CauseNode => ({
    ...node(label, durationNs),
    edge: 'behind',
    thread: { id: pids[label], tid: pids[label], pid: pids[label], name: label, process: label },
  });
  const holder = node('held by tokenizer', 900, [
    node('on the CPU', 400),
    node('preempted', 500, [
      behind('behind spinner', 150),
      behind('behind kworker', 160),
      behind('behind spinner', 140),
      behind('behind sshd', 50),
    ]),
  ]);
  const story = { ...cause('a'), examples: [node('call', 900, [holder])] };
  const [sent] = fitCauses([story], 1).causes;
  const labels = (at: SentNode): string[] => [at.label, ...at.children.flatMap(labels)];
  assert.deepEqual(labels(sent?.examples[0] as SentNode), [
    'call',
    'held by tokenizer',
    'on the CPU',
    'preempted',
    'behind spinner',
  ]);
});
