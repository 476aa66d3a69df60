import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FixtureThread, FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { columnsOf } from '../columns/index.ts';
import { findDelays } from './delays.ts';

const FLOOR_NS = 1_000_000;

/** Ten launches of 10 us with 10 us between, the last one ending at `until`. */
function usual(trace: FixtureTrace, thread: FixtureThread, until: number, name = 'cudaLaunchKernel'): void {
  for (let i = 10; i > 0; i--) trace.call(thread, name, until - i * 20 + 10, until - i * 20 + 20);
}

/** "slow_gap 1000-5000", in microseconds. */
function delaysOf(trace: FixtureTrace, fromUs = 0, toUs = 100_000): readonly string[] {
  const { delays } = findDelays(
    columnsOf(trace.database()),
    fromUs * 1000,
    toUs * 1000,
    FLOOR_NS,
    () => true,
  );
  return delays.map(({ kind, startNs, endNs }) => `${kind} ${startNs / 1000}-${endNs / 1000}`);
}

test('a gap reaches from the end of one call to the start of the next, clipped to the window', () => {
  const trace = new FixtureTrace(100_000);
  const engine = trace.thread('engine', { cpu: 0 });
  usual(trace, engine, 5_000);
  trace.call(engine, 'cudaLaunchKernel', 5_010, 5_030);
  trace.call(engine, 'cudaLaunchKernel', 9_000, 9_020);
  assert.deepEqual(delaysOf(trace), ['slow_gap 5030-9000']);
  assert.deepEqual(delaysOf(trace, 6_000, 8_000), ['slow_gap 6000-8000']);
  assert.deepEqual(delaysOf(trace, 9_005, 100_000), []);
});

test('a runtime call and the driver call inside it are one delay, and one sum', () => {
  const trace = new FixtureTrace(100_000);
  const engine = trace.thread('engine', { cpu: 0 });
  // The driver is called by itself too, so that it has a usual of its own.
  usual(trace, engine, 1_000, 'cuLaunchKernel');
  usual(trace, engine, 2_000);
  trace.call(engine, 'cudaLaunchKernel', 2_010, 8_000);
  trace.call(engine, 'cuLaunchKernel', 2_020, 7_990);
  for (let at = 10_000; at < 30_000; at += 100) {
    trace.call(engine, 'cudaStreamSynchronize', at, at + 80, 'synchronize');
    trace.call(engine, 'cuStreamSynchronize', at + 1, at + 79, 'synchronize');
  }
  const columns = columnsOf(trace.database());
  const found = findDelays(columns, 0, 100_000_000, FLOOR_NS, () => true);
  assert.deepEqual(
    found.delays.map(({ kind, call }) => [
      kind,
      columns.calls.functions[columns.calls.function[call] ?? -1]?.name,
    ]),
    [
      ['slow_call', 'cudaLaunchKernel'],
      ['slow_gap', 'cudaStreamSynchronize'],
    ],
  );
  assert.deepEqual(
    found.sums.map(sum => [columns.calls.functions[sum.function]?.name, sum.count, sum.timeNs]),
    [['cudaStreamSynchronize', 200, 200 * 80_000]],
  );
});

test('a sum is of the calls that are not slow, and shows those that took about the mean', () => {
  const trace = new FixtureTrace(100_000);
  const engine = trace.thread('engine', { cpu: 0 });
  let at = 10_000;
  for (let i = 0; i < 200; i++) {
    const length = i === 50 ? 900 : i === 100 ? 5_000 : 80;
    trace.call(engine, 'cudaStreamSynchronize', at, at + length, 'synchronize');
    at += length + 20;
  }
  const { sums } = findDelays(columnsOf(trace.database()), 0, 100_000_000, FLOOR_NS, () => true);
  assert.deepEqual(
    sums.map(({ count, timeNs, typical }) => [count, timeNs, typical]),
    [[199, 198 * 80_000 + 900_000, [0, 1, 2]]],
  );
});

test('a sum is measured by the life of its thread, not by the window', () => {
  for (const bornUs of [undefined, 60_000]) {
    const trace = new FixtureTrace(100_000);
    const engine = trace.thread('engine', { cpu: 0 });
    if (bornUs !== undefined) trace.sql(`UPDATE thread SET start_ns = ${bornUs * 1000}`);
    for (let at = 70_000; at < 78_000; at += 100) trace.call(engine, 'cudaMemcpy', at, at + 75, 'copy');
    const { sums } = findDelays(columnsOf(trace.database()), 0, 100_000_000, FLOOR_NS, () => true);
    assert.equal(sums.length, bornUs === undefined ? 0 : 1, '6 of 100 ms, or 6 of 40');
  }
});

test('a thread that always waits at its lock is slow all the same: the fastest calls tell', () => {
  const trace = new FixtureTrace(100_000);
  const engine = trace.thread('engine', { cpu: 0 });
  let at = 1_000;
  for (let i = 0; i < 20; i++) {
    const length = i % 10 === 0 ? 20 : 4_000;
    trace.call(engine, 'cudaLaunchKernel', at, at + length);
    at += length + 20;
  }
  assert.equal(delaysOf(trace).filter(delay => delay.startsWith('slow_call')).length, 18);
});
