import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafTimes } from '../../../test/fixtures/check-tree.ts';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('preempted by a sibling: the competitor is named', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const spinner = trace.thread('spinner', { cpu: 0, pid: 123, process: 'spinner', explicit: true });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  trace.preempted(engine, 11_000, 19_000);
  trace.runs(spinner, 11_000, 18_900);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-20000',
      '  on_cpu engine 10000-11000',
      '  runnable engine 11000-19000',
      '    behind spinner 11000-18900',
      '    runnable engine 18900-19000',
      '  on_cpu engine 19000-20000',
    ].join('\n'),
  );
  assert.equal(
    cause.sentence,
    '`cudaLaunchKernel` on engine (tid 1001) took 10 ms: 7.9 ms of it waiting for CPU 0 behind spinner (pid 123).',
  );
  assert.equal(cause.kind, 'cause');
  assert.match(cause.remedy ?? '', /move spinner \(pid 123\) to other CPUs, or give engine \(tid 1001\)/);
});

test('a thread that moved to another CPU waited behind who had the first one', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const spinner = trace.thread('spinner', { cpu: 0, pid: 123, process: 'spinner', explicit: true });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  trace.waits(engine, { from: 11_000, woken: 11_000, ran: 19_000, reason: 'preempted', cpuAfter: 2 });
  trace.runs(spinner, 11_000, 25_000);
  assert.equal(leafTimes(explained(trace, call).examples[0] as never).get('behind'), 8_000_000);
});

test('throttled by the quota of its group', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  trace.preempted(engine, 11_000, 19_000, 'throttled');
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  const cause = explained(trace, call);
  assert.equal(leafTimes(cause.examples[0] as never).get('throttled'), 8_000_000);
  assert.match(cause.remedy ?? '', /\/serving/);
});
