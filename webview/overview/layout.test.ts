import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause, CauseNode, State, ThreadStats } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { bins, leafStates, quietGroups, rankThreads, statePieces, threadBar } from './layout.ts';

const node = (state: State, startNs: number, durationNs: number, children: CauseNode[] = []): CauseNode => ({
  edge: 'on_cpu',
  state,
  thread: undefined,
  startNs: ns(startNs),
  durationNs: ns(durationNs),
  label: '',
  confidence: 1,
  rows: [],
  children,
});

test('pieces of the bar: largest first, unexplained last, empty ones left out', () => {
  const pieces = statePieces([
    { state: 'unexplained', timeNs: 70 },
    { state: 'lock', timeNs: 10 },
    { state: 'disk', timeNs: 0 },
    { state: 'runnable', timeNs: 20 },
  ]);
  assert.deepEqual(
    pieces.map(piece => [piece.meaning, piece.timeNs, piece.share]),
    [
      ['runnable', 20, 0.2],
      ['lock', 10, 0.1],
      ['unexplained', 70, 0.7],
    ],
  );
});

test('throttled is waiting for a CPU: one piece, told in its name', () => {
  const pieces = statePieces([
    { state: 'throttled', timeNs: 30 },
    { state: 'runnable', timeNs: 10 },
  ]);
  assert.deepEqual(
    pieces.map(piece => [piece.meaning, piece.timeNs, piece.name]),
    [['runnable', 40, 'waiting for a CPU (in part throttled)']],
  );
  assert.equal(statePieces([{ state: 'throttled', timeNs: 30 }])[0]?.name, 'throttled');
});

test('what is not trouble is told by what it was made of', () => {
  const cause = (state: State, timeNs: number, count: number): Cause =>
    ({ timeNs, count, examples: [node(state, 0, timeNs)] }) as unknown as Cause;
  assert.deepEqual(quietGroups([cause('gpu', 5, 2), cause('sleep', 8, 1), cause('gpu', 6, 3)]), [
    { name: 'waiting for the GPU', timeNs: 11, count: 5 },
    { name: 'asked to sleep', timeNs: 8, count: 1 },
  ]);
});

test('a tree is made of its leaves', () => {
  const tree = node('other', 0, 100, [
    node('running', 0, 30),
    node('lock', 30, 70, [node('runnable', 30, 50), node('running', 80, 20)]),
  ]);
  assert.deepEqual(
    new Map(leafStates(tree).map(({ state, timeNs }) => [state, timeNs])),
    new Map([
      ['running', 50],
      ['runnable', 50],
    ]),
  );
});

test("a thread's waiting for a CPU is one piece, whatever it had waited for before", () => {
  const bar = threadBar([
    { reason: 'futex', count: 2, blockedNs: ns(60), runnableNs: ns(10) },
    { reason: 'preempted', count: 1, blockedNs: ns(0), runnableNs: ns(25) },
    { reason: 'throttled', count: 1, blockedNs: ns(5), runnableNs: ns(0) },
  ]);
  assert.equal(bar.totalNs, 100);
  assert.deepEqual(
    bar.pieces.map(piece => [piece.meaning, piece.timeNs]),
    [
      ['lock', 60],
      ['runnable', 40],
    ],
  );
});

test('threads that issue CUDA work come first', () => {
  const thread = (name: string, cudaCalls: number, isTarget: boolean, waitedNs: number): ThreadStats => ({
    thread: { id: 1, tid: 1, pid: 1, name, process: 'p' },
    isTarget,
    cudaCalls,
    onCpuNs: ns(0),
    offCpu: [{ reason: 'futex', count: 1, blockedNs: ns(waitedNs), runnableNs: ns(0) }],
  });
  const ranked = rankThreads(
    [
      thread('other', 0, false, 900),
      thread('helper', 0, true, 50),
      thread('idle', 9, true, 0),
      thread('engine', 5, true, 10),
    ],
    9,
  );
  assert.deepEqual(
    ranked.map(({ thread: { name } }) => name),
    ['engine', 'helper', 'other'],
  );
});

test('one slow call among a million stays visible, and is marked slow', () => {
  const histogram = [0, 1_000_000, ...new Array<number>(10).fill(0), 1];
  const all = bins(histogram, 1000);
  assert.deepEqual([all[1]?.fromNs, all[1]?.toNs, all[1]?.height, all[1]?.slow], [1000, 2000, 1, false]);
  const last = all.at(-1);
  assert.equal(last?.fromNs, 2_048_000);
  assert.equal(last?.slow, true);
  assert.ok((last?.height ?? 0) >= 0.05);
  assert.equal(all[5]?.height, 0);
});
