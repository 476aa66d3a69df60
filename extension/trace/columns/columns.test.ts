// The columns against files that lie: every bad value is dropped or cut, and counted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { rowOfCall } from './calls.ts';
import { columnsOf } from './index.ts';

const hostile = (trace: FixtureTrace, ...statements: readonly string[]): ReturnType<typeof columnsOf> => {
  trace.sql('PRAGMA foreign_keys = OFF');
  for (const statement of statements) trace.sql(statement);
  return columnsOf(trace.database());
};

function quiet(): FixtureTrace {
  const trace = new FixtureTrace(1000);
  const thread = trace.thread('t\u001b[2J', { cpu: 0 });
  trace.waits(thread, { from: 100, woken: 200, ran: 210, reason: 'pipe' });
  trace.call(thread, 'cudaLaunchKernel', 90, 300);
  return trace;
}

const off = (values: string): string =>
  `INSERT INTO off_cpu(thread_id, start_ns, duration_ns, runnable_ns, reason_id) VALUES (${values})`;

test('an honest file has no defects, and its names are clean', () => {
  const { defects, offCpu, threads, captureEndNs } = columnsOf(quiet().database());
  assert.deepEqual(defects, []);
  assert.equal(captureEndNs, 1_000_000);
  assert.equal(threads.refs[0]?.name, 't[2J');
  assert.deepEqual([offCpu.startNs[0], offCpu.wokenNs[0], offCpu.endNs[0]], [100_000, 200_000, 210_000]);
});

const cases: readonly { why: string; row: string; defect: RegExp; intervals: readonly number[][] }[] = [
  {
    why: 'negative length',
    row: off('1, 500000, -5, 0, 1'),
    defect: /1 off-CPU .* impossible time/,
    intervals: [],
  },
  {
    why: 'start beyond 2^53',
    row: off('1, 9223372036854775807, 5, 0, 1'),
    defect: /1 off-CPU .* impossible time/,
    intervals: [],
  },
  {
    why: 'length beyond 2^53',
    row: off('1, 500000, 9223372036854775807, 0, 1'),
    defect: /1 off-CPU .* impossible time/,
    intervals: [],
  },
  {
    why: 'longer than the capture',
    row: off('1, 500000, 9007199254740991, 0, 1'),
    defect: /1 off-CPU .* impossible time|1 off-CPU intervals that reach beyond/,
    intervals: [[500_000, 1_000_000]],
  },
  {
    why: 'before the capture',
    row: off('1, -50, 100050, 0, 1'),
    defect: /reach beyond/,
    intervals: [[0, 100_000]],
  },
  {
    why: 'no such thread',
    row: off('99, 500000, 5, 0, 1'),
    defect: /1 off-CPU .* not in the file/,
    intervals: [],
  },
  {
    why: 'overlaps the one before',
    row: off('1, 150000, 100000, 0, 1'),
    defect: /1 off-CPU intervals that overlapped/,
    intervals: [[210_000, 250_000]],
  },
  {
    why: 'run-queue time longer than itself',
    row: off('1, 500000, 10, 20, 1'),
    defect: /1 run-queue times/,
    intervals: [[500_000, 500_010]],
  },
];

test('off-CPU rows that cannot be are dropped or cut, and said', () => {
  for (const { why, row, defect, intervals } of cases) {
    const { offCpu, defects } = hostile(quiet(), row);
    const rows = Array.from(offCpu.startNs, (start, i) => [start, offCpu.endNs[i] ?? Number.NaN]);
    const extra = rows.filter(([start, end]) => !(start === 100_000 && end === 210_000));
    assert.deepEqual(extra, intervals, why);
    assert.equal(defects.length, 1, why);
    assert.match(defects[0] ?? '', defect, why);
  }
});

test('calls nest by time, whatever parent_id says, and never outlive the call around them', () => {
  const trace = new FixtureTrace(1000);
  const thread = trace.thread('t', { cpu: 0 });
  trace.call(thread, 'cudaLaunchKernel', 100, 200);
  trace.call(thread, 'cuLaunchKernel', 110, 250);
  trace.call(thread, 'cuOther', 120, 130);
  trace.call(thread, 'cudaLaunchKernel', 300);
  const { calls, defects } = hostile(trace, 'UPDATE cuda_call SET parent_id = 4 WHERE id = 1');
  assert.deepEqual([...calls.parent], [-1, 0, 1, -1]);
  assert.deepEqual([...calls.endNs], [200_000, 200_000, 130_000, 1_000_000]);
  assert.deepEqual([...calls.open], [0, 0, 0, 1]);
  assert.match(defects[0] ?? '', /1 CUDA calls that outlived/);
});

test('a call is found by its id, in whatever order the ids are', () => {
  const id = Int32Array.of(1, 3, 9, 7, 2, 8, 4);
  const offsets = Int32Array.of(0, 3, 3, 7);
  for (const [row, wanted] of id.entries()) assert.equal(rowOfCall({ id, offsets }, wanted), row);
  for (const missing of [0, 5, 10, -1]) assert.equal(rowOfCall({ id, offsets }, missing), -1);
});

test('a call that had not ended holds what began at the very end of the capture', () => {
  const trace = new FixtureTrace(1000);
  const thread = trace.thread('t', { cpu: 0 });
  trace.call(thread, 'cudaLaunchKernel', 400, 900);
  trace.call(thread, 'cudaLaunchKernel', 990);
  trace.call(thread, 'cuLaunchKernel', 1000);
  const { calls } = columnsOf(trace.database());
  assert.deepEqual([...calls.parent], [-1, -1, 1]);
});

test('a call that was cut to the one around it holds nothing of what came later', () => {
  const trace = new FixtureTrace(1000);
  const thread = trace.thread('t', { cpu: 0 });
  trace.call(thread, 'cudaLaunchKernel', 100, 200);
  trace.call(thread, 'cuLaunchKernel', 110);
  trace.call(thread, 'cudaLaunchKernel', 200, 250);
  trace.call(thread, 'cudaLaunchKernel', 300, 350);
  const { calls } = columnsOf(trace.database());
  assert.deepEqual([...calls.parent], [-1, 0, -1, -1]);
  assert.deepEqual([...calls.endNs], [200_000, 200_000, 250_000, 350_000]);
});

test('an interval without an end that begins inside another takes no time from either', () => {
  const { offCpu } = hostile(
    quiet(),
    off('1, 120000, NULL, NULL, 1'),
    off('1, 130000, 10000, 0, 1'),
    off('1, 300000, 10000, 0, 1'),
  );
  const rows = Array.from(offCpu.startNs, (start, row) => [start, offCpu.wokenNs[row], offCpu.endNs[row]]);
  assert.deepEqual(rows, [
    [100_000, 200_000, 210_000],
    [210_000, 210_000, 210_000],
    [210_000, 210_000, 210_000],
    [300_000, 310_000, 310_000],
  ]);
});

test('slices of one CPU end where the next one begins', () => {
  const trace = new FixtureTrace(1000);
  const a = trace.thread('a', { cpu: 0, explicit: true });
  const b = trace.thread('b', { cpu: 0, explicit: true });
  trace.runs(a, 100, 300);
  trace.runs(b, 200, 400);
  const { slices, defects } = columnsOf(trace.database());
  assert.deepEqual([...slices.endNs], [200_000, 400_000]);
  assert.match(defects[0] ?? '', /1 CPU slices that overlapped/);
});

test('a database without the tables of a trace is refused in a sentence', () => {
  const trace = new FixtureTrace(1000);
  assert.throws(() => hostile(trace, 'DROP TABLE off_cpu'), { reason: 'damaged', message: /off_cpu/ });
});
