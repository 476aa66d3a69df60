import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTree } from '../../../test/fixtures/check-tree.ts';
import { explained, tree, usualLaunches, wholeBelief } from '../../../test/fixtures/explained.ts';
import { type FixtureThread, FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { findCauses } from './index.ts';

/** The demo: engine waits for a lock, tokenizer holds it and is preempted by a spinner on its CPU. */
function demo(
  trace: FixtureTrace,
  at: number,
  engine: FixtureThread,
  tokenizer: FixtureThread,
  lock: number,
): void {
  trace.locks(engine, lock, { from: at + 300, woken: at + 12_900, ran: at + 13_000, by: tokenizer });
  trace.preempted(tokenizer, at + 1_300, at + 10_300);
}

test('the holder was preempted by a spinner: the call', () => {
  const trace = new FixtureTrace(200_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const tokenizer = trace.thread('tokenizer', { cpu: 3 });
  const spinner = trace.thread('spinner', { cpu: 3, pid: 123, process: 'spinner', explicit: true });
  const lock = trace.futex(0x7f31aa55e8d0);
  usualLaunches(trace, engine, 9_000);
  const calls = [10_000, 40_000, 70_000, 100_000].map(at => {
    demo(trace, at, engine, tokenizer, lock);
    trace.runs(spinner, at + 1_300, at + 10_300);
    // The driver call inside is the same delay, not another.
    const call = trace.call(engine, 'cudaLaunchKernel', at, at + 13_100);
    trace.call(engine, 'cuLaunchKernel', at + 100, at + 13_050);
    return call;
  });
  const once = explained(trace, calls[0] ?? -1);
  assert.equal(
    tree(once),
    [
      'slow_call engine 10000-23100',
      '  on_cpu engine 10000-10100',
      '  nested_call engine 10100-23050',
      '    on_cpu engine 10100-10300',
      '    lock engine 10300-22900',
      '      held_by tokenizer 10300-22900',
      '        on_cpu tokenizer 10300-11300',
      '        runnable tokenizer 11300-20300',
      '          behind spinner 11300-20300',
      '        on_cpu tokenizer 20300-22900',
      '    runnable engine 22900-23000',
      '      runnable engine 22900-23000',
      '    on_cpu engine 23000-23050',
      '  on_cpu engine 23050-23100',
    ].join('\n'),
  );
  assert.equal(
    once.sentence,
    '`cudaLaunchKernel` on engine (tid 1001) took 13.1 ms: 12.6 ms of it waiting for lock 0x7f31..8d0, held by ' +
      'tokenizer (tid 1002), which for 9 ms of that was waiting for CPU 3 behind spinner (pid 123) ' +
      'and for 3.6 ms was running.',
  );
  const result = findCauses(trace.database(), {}, wholeBelief);
  const [first] = result.causes;
  assert.equal(first?.kind, 'cause');
  assert.equal(first?.count, 4);
  assert.equal(first?.timeNs, 4 * 12_600_000);
  assert.equal(first?.share, (4 * 12.6) / 200);
  assert.equal(first?.severity, 'critical');
  assert.equal(first?.confidence.value, 0.8);
  assert.match(first?.confidence.loweredBy[0] ?? '', /tokenizer .* inferred from its unlock/);
  assert.equal(result.delays.slowCalls, 4);
  assert.equal(
    first?.sentence,
    '4 slow calls of `cudaLaunchKernel` on engine (tid 1001) spent 50.4 ms waiting for lock 0x7f31..8d0, held by ' +
      'tokenizer (tid 1002), which for 36 ms of that was waiting for CPU 3 behind spinner (pid 123) ' +
      'and for 14.4 ms was running. The worst took 13.1 ms.',
  );
  const states = new Map(result.byState.map(({ state, timeNs }) => [state, timeNs]));
  assert.equal(
    states.get('lock'),
    4 * 3_600_000,
    'what tokenizer computed under the lock is time lost to the lock',
  );
  assert.equal(states.get('runnable'), 4 * 9_100_000);
  const sum = result.byState.reduce((total, { timeNs }) => total + timeNs, 0);
  assert.equal(sum, result.delays.totalNs);
});

test('the holder was preempted by a spinner: the gap before the call', () => {
  const trace = new FixtureTrace(200_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const tokenizer = trace.thread('tokenizer', { cpu: 3 });
  const spinner = trace.thread('spinner', { cpu: 3, pid: 123, process: 'spinner', explicit: true });
  const lock = trace.futex(0x7f31aa55e8d0);
  usualLaunches(trace, engine, 10_000);
  for (const at of [10_000, 40_000, 70_000]) {
    demo(trace, at, engine, tokenizer, lock);
    trace.runs(spinner, at + 1_300, at + 10_300);
    trace.call(engine, 'cudaLaunchKernel', at + 13_100, at + 13_110);
    usualLaunches(trace, engine, at + 30_000);
  }
  const result = findCauses(trace.database(), {}, wholeBelief);
  assert.equal(result.delays.slowCalls, 0);
  const held = result.causes.find(({ sentence }) => sentence.includes('held by tokenizer'));
  assert.equal(held?.kind, 'cause');
  assert.equal(held?.count, 3);
  assert.equal(held?.timeNs, 3 * 12_600_000);
  assert.deepEqual(
    held?.examples.map(({ startNs, durationNs }) => [startNs, durationNs]),
    [10_000, 40_000, 70_000].map(at => [(at - 10) * 1000, 13_110_000]),
    'a gap begins where the call before it ended',
  );
  assert.match(
    held?.sentence ?? '',
    /^3 slow gaps between CUDA calls on engine .*waiting for CPU 3 behind spinner \(pid 123\)/,
  );
  for (const cause of result.causes) for (const root of cause.examples) checkTree(root);
});

test('without the spinner no competitor is named', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const tokenizer = trace.thread('tokenizer', { cpu: 3 });
  const lock = trace.futex(0x7f31aa55e8d0);
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 13_000);
  trace.locks(engine, lock, { from: 10_100, woken: 12_900, ran: 12_900, by: tokenizer });
  const cause = explained(trace, call);
  assert.doesNotMatch(JSON.stringify(cause), /behind/);
  assert.match(cause.sentence, /held by tokenizer \(tid 1002\), which all that time was running on the CPU/);
});
