import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('asked to sleep: sleep, a poll that expired, a futex that timed out; nobody is blamed', () => {
  const cases: readonly { why: string; reason: string; timeoutUs?: number; interrupt?: string }[] = [
    { why: 'nanosleep', reason: 'sleep' },
    { why: 'poll by its interrupt', reason: 'poll', interrupt: 'timer' },
    { why: 'poll by its time-out', reason: 'poll', timeoutUs: 5_000 },
    { why: 'futex', reason: 'futex', timeoutUs: 5_000, interrupt: 'timer' },
  ];
  for (const { why, ...wait } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const passerBy = trace.thread('passer-by', { cpu: 1 });
    trace.waits(engine, { ...wait, from: 10_000, woken: 15_000, by: passerBy, context: 'interrupt' });
    const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000);
    const cause = explained(trace, call);
    assert.equal(tree(cause), 'slow_call engine 10000-15000\n  asked_to_sleep engine 10000-15000', why);
    assert.equal(cause.kind, 'work', why);
    assert.doesNotMatch(JSON.stringify(cause), /passer-by/, why);
  }
});
