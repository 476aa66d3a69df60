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

test('what is not trouble is told by what each finding says, not by what its worst example mostly was', () => {
  const work = (state: State | undefined, timeNs: number, count: number, examples: CauseNode[]): Cause =>
    ({ kind: 'work', state, timeNs, count, examples }) as unknown as Cause;
  // Both findings of one recording: the longest gap with computing in it was mostly asleep all the same.
  const asleep = work('sleep', 9_589_285, 13, [
    node('running', 0, 1_345_437, [node('sleep', 0, 856_079), node('running', 856_079, 489_358)]),
  ]);
  const computing = work('running', 3_622_416, 12, [
    node('running', 0, 1_076_852, [node('running', 0, 405_024), node('sleep', 405_024, 671_828)]),
  ]);
  const cleared = { ...work(undefined, 5, 0, []), kind: 'innocent' } as const;
  assert.deepEqual(quietGroups([computing, asleep, cleared]), [
    { name: 'asked to sleep', timeNs: 9_589_285, count: 13 },
    { name: 'on the CPU', timeNs: 3_622_416, count: 12 },
  ]);
  assert.deepEqual(
    quietGroups([work('gpu', 5, 2, []), work(undefined, 8, 90, []), work('gpu', 6, 3, [])]).map(group => [
      group.name,
      group.timeNs,
    ]),
    [
      ['waiting for the GPU', 11],
      ['in calls that are short but many', 8],
    ],
  );
});

test('a tree is made of its leaves; what a holder computed is, for who waited, the wait', () => {
  const parts = [node('runnable', 30, 50), node('running', 80, 20)];
  const states = (children: CauseNode[]) =>
    new Map(leafStates(node('other', 0, 100, children)).map(({ state, timeNs }) => [state, timeNs]));
  assert.deepEqual(
    states([node('running', 0, 30), node('lock', 30, 70, parts)]),
    new Map([
      ['running', 50],
      ['runnable', 50],
    ] as const),
  );
  const held = { ...node('lock', 30, 70, parts), edge: 'held_by' } as const;
  assert.deepEqual(
    states([node('running', 0, 30), node('lock', 30, 70, [held])]),
    new Map([
      ['running', 30],
      ['runnable', 50],
      ['lock', 20],
    ] as const),
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
