import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('the chain ends where an interrupt or a kernel thread passed the wake-up on', () => {
  const cases: readonly { context: 'interrupt' | 'kernel_thread'; interrupt: string; label: RegExp }[] = [
    { context: 'interrupt', interrupt: 'net_rx', label: /network/ },
    { context: 'kernel_thread', interrupt: 'net_rx', label: /network \(passed on by ksoftirqd\/1\)/ },
    { context: 'interrupt', interrupt: 'device', label: /a device interrupt/ },
  ];
  for (const { context, interrupt, label } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const borrowed = trace.thread('ksoftirqd/1', { cpu: 1, pid: 2, process: 'ksoftirqd/1' });
    trace.waits(engine, { from: 10_000, woken: 15_000, by: borrowed, reason: 'poll', context, interrupt });
    const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000);
    const cause = explained(trace, call);
    assert.equal(tree(cause), 'slow_call engine 10000-15000\n  interrupt engine 10000-15000');
    assert.match(cause.examples[0]?.children[0]?.label ?? '', label);
    assert.equal(cause.kind, 'work');
  }
});

test('ksoftirqd and its like are known by name where the context of a wake-up was not taken', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['ksoftirqd/1', 'interrupt'],
    ['irq/42-nvme0', 'interrupt'],
    ['kworker/0:1H', 'interrupt'],
    ['ksoftirqd', 'waited_for'],
    ['worker', 'waited_for'],
  ];
  for (const [name, edge] of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const waker = trace.thread(name, { cpu: 1, pid: 2, process: name });
    trace.waits(engine, { from: 10_000, woken: 15_000, by: waker, reason: 'poll', noContext: true });
    const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000));
    assert.equal(cause.examples[0]?.children[0]?.edge, edge, name);
    if (edge === 'waited_for') assert.equal(cause.confidence.value, 0.6, name);
  }
});
