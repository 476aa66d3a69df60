import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree, usualLaunches, wholeBelief } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { findCauses } from './index.ts';

test('lost events: what was not seen is unexplained, the rest less certain', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0, explicit: true });
  trace.runs(engine, 0, 12_000);
  trace.runs(engine, 16_000, 50_000);
  trace.loss(11_000, 16_500, 'scheduler');
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-20000',
      '  on_cpu engine 10000-12000',
      '  unexplained engine 12000-16000',
      '  on_cpu engine 16000-20000',
    ].join('\n'),
  );
  assert.equal(cause.explained, 0.6);
  assert.equal(cause.examples[0]?.children[0]?.confidence, 0.475);
  assert.match(cause.examples[0]?.children[1]?.label ?? '', /lost/);
});

test('a gap in which CUDA calls were lost may be none', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  usualLaunches(trace, engine, 10_000);
  usualLaunches(trace, engine, 20_200);
  trace.loss(12_000, 13_000, 'cuda');
  const result = findCauses(trace.database(), {}, wholeBelief);
  assert.equal(result.delays.slowGaps, 1);
  assert.ok((result.causes[0]?.confidence.value ?? 1) <= 0.48);
  assert.match(result.causes[0]?.confidence.loweredBy[0] ?? '', /CUDA calls were lost/);
});

test('an end that no probe saw makes a link inferred, and the finding a lead', () => {
  for (const inferred of [false, true]) {
    const trace = new FixtureTrace(100_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const spinner = trace.thread('spinner', { cpu: 0, pid: 123, process: 'spinner', explicit: true });
    usualLaunches(trace, engine, 9_000);
    for (const at of [10_000, 30_000, 50_000]) {
      trace.call(engine, 'cudaLaunchKernel', at, at + 6_000);
      trace.waits(engine, {
        from: at + 500,
        woken: at + 500,
        ran: at + 5_500,
        reason: 'preempted',
        inferred,
      });
      trace.runs(spinner, at + 500, at + 5_500);
    }
    const [first] = findCauses(trace.database(), {}, wholeBelief).causes;
    assert.equal(first?.kind, inferred ? 'lead' : 'cause');
    assert.equal(first?.confidence.value, inferred ? 0.6 : 0.95);
    assert.deepEqual(
      first?.confidence.loweredBy,
      inferred
        ? [
            "when engine (tid 1001) got its CPU back is the kernel's own note, not an event that was seen (0.6)",
          ]
        : [],
    );
  }
});

test('what was lost halves a link of its class, and is named with its share', () => {
  const cases: readonly {
    why: string;
    loss?: readonly [number, number, 'scheduler' | 'host' | 'cuda'];
    value: number;
    says: RegExp | undefined;
  }[] = [
    { why: 'nothing', value: 0.95, says: undefined },
    {
      why: "the scheduler's events",
      loss: [12_000, 12_001, 'scheduler'],
      value: 0.475,
      says: /^events were lost/,
    },
    { why: "the host's events", loss: [12_000, 12_001, 'host'], value: 0.475, says: /^events were lost/ },
    { why: 'another time', loss: [20_000, 21_000, 'scheduler'], value: 0.95, says: undefined },
    { why: 'another class', loss: [12_000, 12_001, 'cuda'], value: 0.95, says: undefined },
  ];
  for (const { why, loss, value, says } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const blockIo = trace.blockIo({ from: 10_000, issued: 10_010, to: 15_000 });
    trace.waits(engine, { from: 10_000, woken: 15_000, reason: 'disk', blockIo });
    if (loss !== undefined) trace.loss(...loss);
    const cause = explained(trace, trace.call(engine, 'cudaMemcpy', 10_000, 15_000, 'copy'));
    assert.ok(Math.abs(cause.confidence.value - value) < 0.01, why);
    if (says === undefined) assert.deepEqual(cause.confidence.loweredBy, [], why);
    else assert.match(cause.confidence.loweredBy[0] ?? '', says, why);
  }
});
