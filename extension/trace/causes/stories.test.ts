// The engine against small traces whose truth is known: each story in lines, then its tree.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTree, leafTimes, outline } from '../../../test/fixtures/check-tree.ts';
import { type FixtureThread, FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import type { Belief, Cause } from '../api.ts';
import { explainDelay, findCauses } from './index.ts';

const belief: Belief = {
  consistent: true,
  eventsLost: 0,
  losses: [],
  coverage: [],
  probesAsked: 1,
  probesAttached: 1,
  remarks: [],
};

function explained(trace: FixtureTrace, call: number): Cause {
  const cause = explainDelay(trace.database(), { call });
  for (const root of cause.examples) checkTree(root);
  return cause;
}

const tree = (cause: Cause): string => (cause.examples[0] === undefined ? '' : outline(cause.examples[0]));

/** Ten launches of 10 us before `until`, so that there is a usual. */
function usualLaunches(trace: FixtureTrace, engine: FixtureThread, until: number): void {
  for (let i = 0; i < 10; i++)
    trace.call(engine, 'cudaLaunchKernel', until - 200 + i * 20, until - 190 + i * 20);
}

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
    '`cudaLaunchKernel` on engine (tid 1001) took 10 ms: 7.9 ms of it runnable behind spinner (pid 123) on CPU 0.',
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
      '    limit engine 22900-23050',
      '  on_cpu engine 23050-23100',
    ].join('\n'),
  );
  assert.equal(
    once.sentence,
    '`cudaLaunchKernel` on engine (tid 1001) took 13.1 ms: 12.6 ms of it waiting for lock 0x7f31..8d0, held by ' +
      'tokenizer (tid 1002), which for 9 ms of that was runnable behind spinner (pid 123) on CPU 3 ' +
      'and for 3.6 ms was running.',
  );
  const result = findCauses(trace.database(), {}, belief);
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
      'tokenizer (tid 1002), which for 36 ms of that was runnable behind spinner (pid 123) on CPU 3 ' +
      'and for 14.4 ms was running. The worst took 13.1 ms.',
  );
  const states = new Map(result.byState.map(({ state, timeNs }) => [state, timeNs]));
  assert.equal(
    states.get('lock'),
    4 * 3_600_000,
    'what tokenizer computed under the lock is time lost to the lock',
  );
  assert.equal(states.get('runnable'), 4 * 9_150_000);
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
  const result = findCauses(trace.database(), {}, belief);
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
    /^3 slow gaps between CUDA calls on engine .*behind spinner \(pid 123\) on CPU 3/,
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

test('a condition variable is waited for, never held', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const producer = trace.thread('producer', { cpu: 1 });
  const worker = trace.thread('worker', { cpu: 2 });
  const work = trace.futex(0x2000);
  // The worker idles all along; the engine waits for a batch.
  trace.waits(worker, { from: 100, woken: 49_000, by: producer, object: work, futexOp: 9, futexValue: 0 });
  trace.waits(engine, { from: 10_000, woken: 16_000, by: producer, object: work, futexOp: 9, futexValue: 0 });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 16_000);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-16000',
      '  waited_for producer 10000-16000',
      '    on_cpu producer 10000-16000',
    ].join('\n'),
  );
  assert.doesNotMatch(cause.sentence, /held/);
  assert.equal(cause.confidence.value, 0.7);
});

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
  const { causes, delays } = findCauses(trace.database(), {}, belief);
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

test('a wake chain over pipes through three threads', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const reader = trace.thread('reader', { cpu: 1 });
  const parser = trace.thread('parser', { cpu: 2, pid: 200, process: 'parser' });
  const pipe = trace.object('pipe', 77);
  trace.waits(engine, { from: 10_000, woken: 20_000, by: reader, reason: 'pipe', object: pipe });
  trace.waits(reader, { from: 9_000, woken: 19_000, by: parser, reason: 'pipe', object: pipe });
  const io = trace.blockIo({ from: 11_000, issued: 15_000, to: 18_000 });
  trace.waits(parser, {
    from: 11_000,
    woken: 18_100,
    reason: 'disk',
    context: 'interrupt',
    interrupt: 'block',
    blockIo: io,
    by: engine,
  });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-20000',
      '  waited_for reader 10000-20000',
      '    waited_for parser 10000-19000',
      '      on_cpu parser 10000-11000',
      '      disk parser 11000-18100',
      '        disk parser 11000-15000',
      '        disk parser 15000-18000',
      '        disk parser 18000-18100',
      '      on_cpu parser 18100-19000',
      '    on_cpu reader 19000-20000',
    ].join('\n'),
  );
  assert.match(
    cause.sentence,
    /: 7.1 ms of it waiting for reader \(tid 1002\) \(pipe\), which all that time was itself waiting for parser \(tid 2003\) \(pipe\), which all that time was waiting for read on vda \(4 ms in the queue of vda, 3 ms in the device vda/,
  );
  assert.equal(cause.kind, 'cause');
});

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

test('waits for the GIL that time out are not called sleep', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const gil = trace.futex(0x3000, '_PyRuntime (GIL)');
  trace.waits(engine, {
    from: 10_000,
    woken: 15_000,
    object: gil,
    futexOp: 9,
    futexValue: 0,
    timeoutUs: 5_000,
    interrupt: 'timer',
    context: 'interrupt',
  });
  const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000));
  assert.equal(tree(cause), 'slow_call engine 10000-15000\n  unexplained engine 10000-15000');
  assert.match(cause.sentence, /GIL/);
});

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

test('waiting for the GPU: spinning, sleeping in the driver, and by an ioctl', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  trace.waits(engine, {
    from: 10_000,
    woken: 14_000,
    reason: 'gpu',
    context: 'interrupt',
    interrupt: 'device',
  });
  trace.waits(engine, {
    from: 30_000,
    woken: 34_000,
    reason: 'poll',
    context: 'interrupt',
    interrupt: 'device',
  });
  const calls = [10_000, 20_000, 30_000].map(at =>
    trace.call(engine, 'cudaStreamSynchronize', at, at + 4_000, 'synchronize'),
  );
  for (const call of calls) {
    const cause = explained(trace, call);
    const root = cause.examples[0];
    assert.deepEqual([...leafTimes(root as never)], [['gpu', 4_000_000]]);
    assert.equal(cause.kind, 'work');
  }
});

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
  const result = findCauses(trace.database(), {}, belief);
  assert.equal(result.delays.slowGaps, 1);
  assert.ok((result.causes[0]?.confidence.value ?? 1) <= 0.48);
  assert.match(result.causes[0]?.confidence.loweredBy[0] ?? '', /CUDA calls were lost/);
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

test('two threads that seem to wait for each other: a limit, not a loop', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const other = trace.thread('other', { cpu: 1 });
  trace.waits(engine, { from: 10_000, woken: 20_000, by: other, reason: 'pipe' });
  trace.waits(other, { from: 10_000, woken: 20_000, by: engine, reason: 'pipe' });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    ['slow_call engine 10000-20000', '  waited_for other 10000-20000', '    limit engine 10000-20000'].join(
      '\n',
    ),
  );
  assert.match(cause.examples[0]?.children[0]?.children[0]?.label ?? '', /already part of the chain/);
});

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
  const result = findCauses(trace.database(), { floorUs: 1000 }, belief);
  assert.deepEqual(
    result.causes.filter(({ kind }) => kind === 'cause' || kind === 'lead'),
    [],
  );
  const innocent = result.causes.find(({ kind }) => kind === 'innocent');
  assert.match(
    innocent?.sentence ?? '',
    /^The scheduler is innocent: 99.9 % of the slow time was on the CPU\.$/,
  );
});

test('competitors fold by process; the collector that made the trace is told of, never blamed', () => {
  const cases: readonly { pid: number; kind: string; says: RegExp }[] = [
    { pid: 123, kind: 'cause', says: /behind threads like \S+ of rustc \(pid 123\) on CPU 0/ },
    { pid: 777, kind: 'work', says: /behind threads like Wakechain's own collector \(pid 777\) on CPU 0/ },
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
    const { causes } = findCauses(trace.database(), {}, belief);
    const behind = causes.filter(({ sentence }) => /behind/.test(sentence));
    assert.equal(behind.length, 1);
    assert.equal(behind[0]?.count, 3);
    assert.equal(behind[0]?.kind, kind);
    assert.match(behind[0]?.sentence ?? '', says);
  }
});

test('a first call is told apart, where the process was seen from its start', () => {
  for (const born of [true, false]) {
    const trace = new FixtureTrace(500_000);
    const engine = trace.thread('engine', { cpu: 0 });
    if (born) trace.sql('UPDATE process SET start_ns = 5');
    const first = trace.call(engine, 'cudaMalloc', 1_000, 193_000, 'allocate');
    const second = trace.call(engine, 'cudaMalloc', 200_000, 203_000, 'allocate');
    const sentence = (call: number): string => explained(trace, call).sentence;
    assert.equal(
      sentence(first),
      `\`cudaMalloc\`${born ? ', the first in its process,' : ''} on engine (tid 1001) took 192 ms: all of it running on the CPU in cudaMalloc.`,
    );
    assert.doesNotMatch(sentence(second), /first/);
  }
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

test('unknown things are said, not guessed', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  const db = trace.database();
  assert.throws(() => explainDelay(db, { call: 999 }), { reason: 'not_in_trace' });
  assert.throws(() => explainDelay(db, { thread: 999, window: { startNs: 0, endNs: 1 } as never }), {
    reason: 'not_in_trace',
  });
  assert.throws(() => explainDelay(db, { worst: { pid: 4242 } }), { reason: 'not_in_trace' });
  assert.throws(() => explainDelay(db, { thread: engine.id, window: { startNs: 5, endNs: 5 } as never }), {
    reason: 'bad_query',
  });
  assert.throws(() => findCauses(db, { floorUs: Number.NaN }, belief), { reason: 'bad_query' });
});
