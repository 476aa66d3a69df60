import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace, type Wait } from '../../../test/fixtures/told-trace.ts';

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
    /: 7.1 ms of it waiting for reader \(tid 1002\) to write to a pipe, which all that time was itself waiting for parser \(tid 2003\) to write to a pipe, which all that time was waiting for a read on disk vda \(4 ms in the queue of vda, 3 ms in the device vda\)/,
  );
  assert.equal(cause.kind, 'cause');
});

test('what joins two threads is said in words, and never that the one held anything', () => {
  const cases: readonly {
    why: string;
    wait: Partial<Wait>;
    object?: readonly [string, string?];
    says: RegExp;
  }[] = [
    {
      why: 'pipe',
      wait: { reason: 'pipe' },
      object: ['pipe'],
      says: /waiting for other \(tid 1002\) to write to a pipe,/,
    },
    { why: 'socket', wait: { reason: 'socket' }, says: /to send to it over a socket,/ },
    { why: 'eventfd', wait: { reason: 'other' }, object: ['eventfd'], says: /to signal it \(eventfd\)/ },
    { why: 'epoll', wait: { reason: 'poll' }, object: ['epoll'], says: /to signal it \(epoll\)/ },
    {
      why: 'a named file',
      wait: { reason: 'pipe' },
      object: ['pipe', '/run/feed'],
      says: /to write to a pipe \(\/run\/feed\)/,
    },
    {
      why: 'condition variable',
      wait: { futexOp: 9, futexValue: 0 },
      object: ['futex'],
      says: /to signal it \(condition variable, semaphore or the like\)/,
    },
    { why: 'join', wait: { futexOp: 9, futexValue: 1002 }, object: ['futex'], says: /to end \(join\)/ },
  ];
  for (const { why, wait, object, says } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const other = trace.thread('other', { cpu: 1 });
    const id = object === undefined ? {} : { object: trace.object(object[0], 9, object[1]) };
    trace.waits(engine, { ...wait, ...id, from: 10_000, woken: 15_000, by: other });
    const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000));
    assert.equal(cause.examples[0]?.children[0]?.edge, 'waited_for', why);
    assert.match(cause.sentence, says, why);
    assert.doesNotMatch(JSON.stringify(cause), /held/, why);
  }
});
