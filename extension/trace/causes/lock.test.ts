import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('barging: holders follow one another, and a hand-off is nobody holding', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const a = trace.thread('a', { cpu: 1 });
  const b = trace.thread('b', { cpu: 2 });
  const lock = trace.futex(0x1000);
  // a holds; b and engine wait. a unlocks at 12000 and wakes b, which runs at 12500; b unlocks at 16000 for engine.
  trace.locks(b, lock, { from: 9_000, woken: 12_000, ran: 12_500, by: a });
  trace.locks(engine, lock, { from: 10_000, woken: 16_000, ran: 16_000, by: b });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 16_000);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-16000',
      '  lock engine 10000-16000',
      '    held_by a 10000-12000',
      '      on_cpu a 10000-12000',
      '    hand_off b 12000-12500',
      '      runnable b 12000-12500',
      '    held_by b 12500-16000',
      '      on_cpu b 12500-16000',
    ].join('\n'),
  );
  const [held, , proven] = cause.examples[0]?.children[0]?.children ?? [];
  assert.equal(held?.confidence, 0.8, 'a was not seen to take the lock');
  assert.equal(proven?.confidence, 0.95, 'b had come back from waiting for it');
});

test('proof of a holder: it had come back from waiting since it last unlocked', () => {
  const cases: readonly { why: string; middle: 'b' | 'c'; confidence: number }[] = [
    { why: 'b ran with the lock while c passed by', middle: 'c', confidence: 0.95 },
    { why: 'b unlocked once already: it may have taken the lock in passing', middle: 'b', confidence: 0.8 },
  ];
  for (const { why, middle, confidence } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const a = trace.thread('a', { cpu: 1 });
    const b = trace.thread('b', { cpu: 2 });
    const c = trace.thread('c', { cpu: 3 });
    const d = trace.thread('d', { cpu: 4 });
    const lock = trace.futex(0x1000);
    trace.locks(b, lock, { from: 5_000, woken: 6_000, by: a });
    trace.locks(d, lock, { from: 5_000, woken: 8_000, by: middle === 'b' ? b : c });
    trace.locks(engine, lock, { from: 10_000, woken: 16_000, by: b });
    const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 16_000);
    const [held] = explained(trace, call).examples[0]?.children[0]?.children ?? [];
    assert.equal(held?.edge, 'held_by');
    assert.equal(held?.confidence, confidence, why);
  }
});

test('a wait that gave up is no unlock, and no holder', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const other = trace.thread('other', { cpu: 1 });
  const holder = trace.thread('holder', { cpu: 2 });
  const lock = trace.futex(0x1000);
  // The timer that ended other's wait had borrowed the engine's neighbour: it is no unlock by holder's victim.
  trace.locks(other, lock, {
    from: 9_000,
    woken: 12_000,
    by: engine,
    context: 'interrupt',
    interrupt: 'timer',
  });
  trace.locks(engine, lock, { from: 10_000, woken: 16_000, by: holder });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 16_000);
  assert.equal(
    tree(explained(trace, call)),
    [
      'slow_call engine 10000-16000',
      '  lock engine 10000-16000',
      '    held_by holder 10000-16000',
      '      on_cpu holder 10000-16000',
    ].join('\n'),
  );
});

test('open at the end: the call, the wait for a lock, the sleep', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const lock = trace.futex(0x1000);
  trace.locks(engine, lock, { from: 41_000 });
  const call = trace.call(engine, 'cudaLaunchKernel', 40_000);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    [
      'slow_call engine 40000-50000',
      '  on_cpu engine 40000-41000',
      '  lock engine 41000-50000',
      '    unexplained engine 41000-50000',
    ].join('\n'),
  );
  assert.equal(cause.kind, 'lead');
  assert.match(cause.sentence, /waiting for lock 0x1000; it had not got the lock when the capture stopped/);
});
