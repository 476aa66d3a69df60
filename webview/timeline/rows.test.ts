import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ThreadInfo, TraceSummary, Track } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { CPUS, groupsOf, OTHERS, placeRows, rowAt, tracksIn } from './rows.ts';

const thread = (
  id: number,
  processId: number,
  name: string,
  cudaCalls: number,
  isTarget = true,
): ThreadInfo => ({
  id,
  tid: 100 + id,
  pid: processId,
  name,
  process: `p${processId}`,
  processId,
  isTarget,
  cudaCalls,
  offCpuEvents: 1,
  offCpuNs: ns(1),
});
const track = (kind: Track['kind'], id: number, depth = 1): Track => ({
  id: `${kind}:${id}`,
  kind,
  thread: kind === 'cpu' ? undefined : { id, tid: 100 + id, pid: 0, name: `t${id}`, process: 'p' },
  cpu: kind === 'cpu' ? id : undefined,
  events: 1,
  depth,
  observed: { startNs: ns(0), endNs: ns(1) },
});
const SUMMARY = {
  processes: [
    { id: 1, pid: 11, name: 'vllm', commandLine: undefined, containerId: undefined, isTarget: true },
    { id: 2, pid: 12, name: 'stress-ng', commandLine: undefined, containerId: undefined, isTarget: false },
  ],
  threads: [thread(1, 1, 'tokenizer', 0), thread(2, 1, 'engine', 9), thread(3, 2, 'stress-ng', 0, false)],
} as unknown as TraceSummary;
const TRACKS = [
  track('cpu', 1),
  track('cpu', 0),
  track('off_cpu', 1),
  track('off_cpu', 2),
  track('off_cpu', 3),
  track('cuda', 2, 2),
];

test('targets first, those that call CUDA on top; then CPUs in order; then the rest, closed', () => {
  const { rows } = placeRows(groupsOf(TRACKS, SUMMARY), new Set());
  assert.deepEqual(
    rows.map(row => (row.kind === 'header' ? `${row.label} ${row.open}` : row.track.id)),
    [
      'vllm true',
      'cuda:2',
      'off_cpu:2',
      'off_cpu:1',
      'CPUs true',
      'cpu:0',
      'cpu:1',
      'Rest of the host false',
    ],
  );
});

test('toggling opens what was closed and closes what was open', () => {
  const { rows } = placeRows(groupsOf(TRACKS, SUMMARY), new Set([OTHERS, CPUS]));
  assert.ok(rows.some(row => row.kind === 'track' && row.track.id === 'off_cpu:3'));
  assert.ok(!rows.some(row => row.kind === 'track' && row.track.kind === 'cpu'));
});

test('rows do not overlap, nested calls get their levels, and a thread is named once', () => {
  const { rows, height } = placeRows(groupsOf(TRACKS, SUMMARY), new Set([OTHERS]));
  let bottom = 0;
  for (const row of rows) {
    assert.ok(row.y >= bottom, row.kind);
    bottom = row.y + row.height;
  }
  assert.ok(height >= bottom);
  const [calls, state] = rows.filter(row => row.kind === 'track');
  assert.ok(calls !== undefined && state !== undefined && calls.kind === 'track' && state.kind === 'track');
  assert.equal(calls.height, 36);
  assert.deepEqual([calls.label, state.label, calls.note, state.note], ['t2', '', 'CUDA', 'state']);
});

test('tracks in sight, with a screen of margin', () => {
  const { rows } = placeRows(groupsOf(TRACKS, SUMMARY), new Set());
  assert.equal(tracksIn(rows, 0, 1000).length, 5);
  assert.deepEqual(tracksIn(rows, 0, 20), ['cuda:2']);
});

test('the row at a height', () => {
  const { rows } = placeRows(groupsOf(TRACKS, SUMMARY), new Set());
  for (const row of rows) assert.equal(rowAt(rows, row.y + 1), row);
  assert.equal(rowAt(rows, 100_000), undefined);
});
