import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { type FixtureThread, FixtureTrace } from '../../../test/fixtures/told-trace.ts';

/** Asks for the GIL from `from` on: 5 ms that time out, 10 us of looking, again; the last one is ended by `by`. */
function asks(
  trace: FixtureTrace,
  thread: FixtureThread,
  words: readonly number[],
  from: number,
  woken: number,
  by: FixtureThread | undefined,
): void {
  let at = from;
  for (let turn = 0; at < woken; turn++) {
    const end = Math.min(woken, at + 5_000);
    const last = end === woken && by !== undefined;
    trace.waits(thread, {
      from: at,
      woken: end,
      object: words[turn % words.length] as number,
      futexOp: 9,
      futexValue: 0,
      timeoutUs: 5_000,
      ...(last ? { by } : { context: 'interrupt', interrupt: 'timer' }),
    });
    at = end + 10;
  }
}

test('waits for the GIL that time out are one wait, and the last waker had held it', () => {
  const cases: readonly { why: string; addresses: readonly number[] }[] = [
    { why: 'one object, as the collector names it', addresses: [0x3000] },
    { why: 'two words four bytes apart', addresses: [0x3000, 0x3004] },
  ];
  for (const { why, addresses } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const cruncher = trace.thread('cruncher', { cpu: 1 });
    const words = addresses.map(address => trace.futex(address, '_PyRuntime (GIL)'));
    asks(trace, engine, words, 10_000, 22_020, cruncher);
    const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 9_000, 23_000));
    assert.equal(
      tree(cause),
      [
        'slow_call engine 9000-23000',
        '  on_cpu engine 9000-10000',
        '  lock engine 10000-22020',
        '    held_by cruncher 10000-22020',
        '      on_cpu cruncher 10000-22020',
        '  on_cpu engine 22020-23000',
      ].join('\n'),
      why,
    );
    assert.match(
      cause.sentence,
      /12 ms of it waiting for Python's interpreter lock \(GIL\), held by cruncher/,
    );
  }
});

test('words of the GIL are one lock: who let it go for another waiter is the holder until then', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const loader = trace.thread('loader', { cpu: 1 });
  const cruncher = trace.thread('cruncher', { cpu: 2 });
  const words = [0x3000, 0x3004].map(address => trace.futex(address, '_PyRuntime (GIL)'));
  // cruncher gives it to loader, which waits on the other word, and loader to engine.
  asks(trace, loader, words.slice(1), 9_000, 13_000, cruncher);
  asks(trace, engine, words.slice(0, 1), 10_000, 18_000, loader);
  const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 18_000));
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-18000',
      '  lock engine 10000-18000',
      '    held_by cruncher 10000-13000',
      '      on_cpu cruncher 10000-13000',
      '    held_by loader 13000-18000',
      '      on_cpu loader 13000-18000',
    ].join('\n'),
  );
});

test('the lock that comes while its waiter goes to sleep again ends the same wait', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const cruncher = trace.thread('cruncher', { cpu: 1 });
  const gil = {
    object: trace.futex(0x3000, '_PyRuntime (GIL)'),
    futexOp: 9,
    futexValue: 0,
    timeoutUs: 5_000,
  };
  trace.waits(engine, { ...gil, from: 10_000, woken: 15_000, context: 'interrupt', interrupt: 'timer' });
  trace.waits(engine, { ...gil, from: 15_060, woken: 15_060, ran: 15_100, by: cruncher });
  const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 16_000));
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-16000',
      '  lock engine 10000-15060',
      '    held_by cruncher 10000-15060',
      '      on_cpu cruncher 10000-15060',
      '  runnable engine 15060-15100',
      '  on_cpu engine 15100-16000',
    ].join('\n'),
  );
});

test('who waits to hear that the lock was taken had held it until the time-out', () => {
  const cases: readonly { why: string; by: 'engine' | 'loader'; timeoutUs?: number; held: boolean }[] = [
    { why: 'engine says that it has the lock', by: 'engine', held: true },
    { why: 'another says so', by: 'loader', held: false },
    { why: 'it asks for the lock itself', by: 'engine', timeoutUs: 5_000, held: false },
  ];
  for (const { why, by, timeoutUs, held } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const cruncher = trace.thread('cruncher', { cpu: 1 });
    const loader = trace.thread('loader', { cpu: 2 });
    asks(trace, engine, [trace.futex(0x3000, '_PyRuntime (GIL)')], 10_000, 15_000, undefined);
    trace.waits(cruncher, {
      ...(timeoutUs === undefined ? {} : { timeoutUs }),
      ...{ from: 15_080, woken: 15_120, futexOp: 9, futexValue: 0 },
      object: trace.futex(0x3058, '_PyRuntime (GIL)'),
      by: by === 'engine' ? engine : loader,
    });
    const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000));
    const holder = held
      ? '    held_by cruncher 10000-15000\n      on_cpu cruncher 10000-15000'
      : '    unexplained engine 10000-15000';
    assert.equal(tree(cause), `slow_call engine 10000-15000\n  lock engine 10000-15000\n${holder}`, why);
  }
});

test('a wait cut off by the end of a window is still the same wait', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const cruncher = trace.thread('cruncher', { cpu: 1 });
  const gil = trace.futex(0x3000, '_PyRuntime (GIL)');
  asks(trace, engine, [gil], 10_000, 40_000, cruncher);
  const call = trace.call(engine, 'cudaLaunchKernel', 12_000, 21_000);
  assert.equal(
    tree(explained(trace, call)),
    [
      'slow_call engine 12000-21000',
      '  lock engine 12000-21000',
      '    held_by cruncher 12000-21000',
      '      on_cpu cruncher 12000-21000',
    ].join('\n'),
  );
});

test('not one wait: longer on the CPU in between, or no wait for the GIL', () => {
  const cases: readonly {
    why: string;
    ranUs: number;
    timeoutUs?: number;
    timedOut?: boolean;
    expected: string;
  }[] = [
    { why: 'it ran for 60 us', ranUs: 60, timeoutUs: 5_000, expected: 'lock 10000-12000, lock 12060-14060' },
    {
      why: 'it had timed out: it cannot have had the lock',
      ranUs: 60,
      timeoutUs: 5_000,
      timedOut: true,
      expected: 'lock 10000-14060',
    },
    {
      why: 'it had timed out, but ran for long: it may have had the lock',
      ranUs: 600,
      timeoutUs: 5_000,
      timedOut: true,
      expected: 'lock 10000-12000, lock 12600-14600',
    },
    { why: 'it merely looked', ranUs: 40, timeoutUs: 5_000, expected: 'lock 10000-14040' },
    {
      why: 'without a time-out: it waits for the one it gave the lock to',
      ranUs: 40,
      expected: 'waited_for 10000-12000, waited_for 12040-14040',
    },
  ];
  for (const { why, ranUs, timeoutUs, timedOut, expected } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const cruncher = trace.thread('cruncher', { cpu: 1 });
    const gil = trace.futex(0x3000, '_PyRuntime (GIL)');
    for (const from of [10_000, 12_000 + ranUs]) {
      trace.waits(engine, {
        from,
        woken: from + 2_000,
        object: gil,
        futexOp: 9,
        futexValue: 0,
        ...(timedOut && from === 10_000 ? { context: 'interrupt', interrupt: 'timer' } : { by: cruncher }),
        ...(timeoutUs === undefined ? {} : { timeoutUs }),
      });
    }
    const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 14_000 + ranUs));
    const said = (cause.examples[0]?.children ?? [])
      .filter(({ edge }) => edge === 'lock' || edge === 'waited_for')
      .map(({ edge, startNs, durationNs }) => `${edge} ${startNs / 1000}-${(startNs + durationNs) / 1000}`);
    assert.equal(said.join(', '), expected, why);
  }
});

test("waits for the GIL that all time out are neither sleep nor anyone's: who held it was not seen", () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const gil = trace.futex(0x3000, '_PyRuntime (GIL)');
  asks(trace, engine, [gil], 10_000, 15_000, undefined);
  const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000));
  assert.equal(
    tree(cause),
    'slow_call engine 10000-15000\n  lock engine 10000-15000\n    unexplained engine 10000-15000',
  );
  assert.match(cause.sentence, /GIL/);
  assert.equal(cause.kind, 'lead');
});
