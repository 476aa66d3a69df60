import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usualLaunches, wholeBelief } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { findCauses } from './index.ts';

test('the coincidence trap: slow on the CPU while a thousand switches happen beside it', () => {
  const trace = new FixtureTrace(100_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const busy = trace.thread('busy', { cpu: 1, pid: 200, process: 'busy' });
  for (let at = 10; at < 100_000; at += 100) {
    trace.waits(busy, { from: at, woken: at + 40, ran: at + 50, by: engine, reason: 'pipe' });
  }
  usualLaunches(trace, engine, 9_000);
  for (const at of [10_000, 30_000, 50_000, 70_000]) {
    trace.call(engine, 'cudaLaunchKernel', at, at + 6_000);
    trace.preempted(engine, at + 3_000, at + 3_010);
  }
  const result = findCauses(trace.database(), { floorUs: 1000 }, wholeBelief);
  assert.deepEqual(
    result.causes.filter(({ kind }) => kind === 'cause' || kind === 'lead'),
    [],
  );
  const innocent = result.causes.find(({ kind }) => kind === 'innocent');
  assert.match(
    innocent?.sentence ?? '',
    /^The scheduler is innocent: 99.9 % of the slow time was on the CPU\.$/,
  );
  assert.match(
    result.headline,
    /lost 67 ms in 4 slow calls and 4 slow gaps: 99.9 % running\. Nothing was seen to hold them up\.$/,
  );
});

test('the headline says where the time went, and no sentence that stands below it once more', () => {
  const trace = new FixtureTrace(100_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const worker = trace.thread('worker', { cpu: 1 });
  usualLaunches(trace, engine, 9_000);
  for (const at of [10_000, 30_000, 50_000, 70_000]) {
    trace.call(engine, 'cudaLaunchKernel', at, at + 6_000);
    trace.waits(engine, { from: at + 1_000, woken: at + 5_000, ran: at + 5_000, by: worker, reason: 'pipe' });
  }
  const { headline, causes } = findCauses(trace.database(), { floorUs: 1000 }, wholeBelief);
  assert.match(headline, /: 76 % running, 24 % waiting for a pipe or the network\.$/);
  assert.ok(causes.length > 0);
  for (const { sentence } of causes) assert.ok(!headline.includes(sentence.slice(0, 40)), sentence);
});
