import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usualLaunches, wholeBelief } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { findCauses } from './index.ts';

test('a worker that idles: what delayed the thread it waits for is told, its ordinary life is not blamed', () => {
  const trace = new FixtureTrace(400_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const tokenizer = trace.thread('tokenizer', { cpu: 1 });
  const idler = trace.thread('idler', { cpu: 2 });
  const lock = trace.futex(0x1000);
  const work = trace.futex(0x2000);
  // Three rounds of 80 ms: engine sleeps for 50, waits for the lock for 20, and wakes the idler, which copies.
  for (const at of [0, 80_000, 160_000, 240_000]) {
    trace.call(idler, 'cudaMemcpyAsync', at, at + 100, 'copy');
    if (at === 240_000) continue;
    trace.waits(idler, {
      from: at + 200,
      woken: at + 80_000,
      by: engine,
      object: work,
      futexOp: 9,
      futexValue: 0,
    });
    trace.waits(engine, { from: at + 5_000, woken: at + 55_000, reason: 'sleep', context: 'interrupt' });
    trace.locks(engine, lock, { from: at + 56_000, woken: at + 76_000, by: tokenizer });
  }
  const { causes, delays } = findCauses(trace.database(), {}, wholeBelief);
  const told = causes.filter(({ kind }) => kind === 'cause' || kind === 'lead');
  assert.equal(told.length, 1);
  assert.equal(told[0]?.timeNs, 3 * 20_000_000);
  assert.match(
    told[0]?.sentence ?? '',
    /waiting for engine .* itself waiting for lock 0x1000, held by tokenizer/,
  );
  const ordinary = causes.find(({ sentence }) => /was asleep, as it had asked/.test(sentence));
  assert.equal(ordinary?.kind, 'work');
  assert.equal(ordinary?.timeNs, 3 * (79_800_000 - 20_000_000));
  assert.equal(delays.slowGaps, 3);
});

test('competitors fold by process; the collector that made the trace is told of, never blamed', () => {
  const cases: readonly { pid: number; kind: string; says: RegExp }[] = [
    { pid: 123, kind: 'cause', says: /CPU 0 behind threads like \S+ of rustc \(pid 123\)/ },
    { pid: 777, kind: 'work', says: /CPU 0 behind threads like Wakechain's own collector \(pid 777\)/ },
  ];
  for (const { pid, kind, says } of cases) {
    const trace = new FixtureTrace(100_000);
    trace.sql("INSERT INTO meta VALUES ('collector_pid', '777')");
    const engine = trace.thread('engine', { cpu: 0 });
    usualLaunches(trace, engine, 9_000);
    for (const [i, name] of ['opt-a', 'opt-b', 'lto'].entries()) {
      const other = trace.thread(name, { cpu: 0, pid, process: 'rustc', explicit: true });
      const at = 10_000 + i * 20_000;
      trace.call(engine, 'cudaLaunchKernel', at, at + 6_000);
      trace.preempted(engine, at + 500, at + 5_500);
      trace.runs(other, at + 500, at + 5_500);
    }
    const { causes } = findCauses(trace.database(), {}, wholeBelief);
    const behind = causes.filter(({ sentence }) => /behind/.test(sentence));
    assert.equal(behind.length, 1);
    assert.equal(behind[0]?.count, 3);
    assert.equal(behind[0]?.kind, kind);
    assert.match(behind[0]?.sentence ?? '', says);
  }
});
