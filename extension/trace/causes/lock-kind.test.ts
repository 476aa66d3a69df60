import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

import { namesLock } from './lock-kind.ts';

/** One wait of the engine for a futex, ended by `other`, as the tree's first edge and its confidence. */
function edgeOfWait(futexOp: number, futexValue: number, stack?: readonly string[]): string {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const other = trace.thread('other', { cpu: 1 });
  const object = trace.futex(0x4000);
  const by = { by: other, object, futexOp, futexValue, ...(stack === undefined ? {} : { stack }) };
  trace.waits(engine, { from: 10_000, woken: 15_000, ...by });
  const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000));
  const [wait] = cause.examples[0]?.children ?? [];
  return `${wait?.edge}${wait?.children[0]?.edge === 'held_by' ? ' held_by' : ''} ${cause.confidence.value}`;
}

test('only what says that it is a lock has a holder; all other futex waits are wake chains', () => {
  const cases: readonly (readonly [string, number, number, readonly string[] | undefined, string])[] = [
    ['a mutex of glibc', 0, 2, undefined, 'lock held_by 0.8'],
    ['a lock with priority inheritance', 6, 0, undefined, 'lock held_by 0.8'],
    ['its newer call', 13, 0, undefined, 'lock held_by 0.8'],
    ['a read-write lock', 9, 3, undefined, 'lock held_by 0.8'],
    ['a condition variable, a semaphore', 9, 0, undefined, 'waited_for 0.7'],
    ['a futex with a value of its own', 0, 1, undefined, 'waited_for 0.7'],
    ['a mutex handed over by its condition variable', 11, 0, undefined, 'waited_for 0.7'],
    ['named by its stack alone', 9, 2, ['syscall', 'std::sys::Mutex::lock_contended'], 'lock held_by 0.6'],
    ['one word for each waiter', 9, 0, ['syscall', 'parking_lot::lock_contended'], 'waited_for 0.7'],
    ['a lock deep below a condition variable', 9, 0, ['pthread_cond_wait', 'f'], 'waited_for 0.7'],
  ];
  for (const [why, op, value, stack, expected] of cases)
    assert.equal(edgeOfWait(op, value, stack), expected, why);
});

test('a stack names a lock by its innermost frames alone', () => {
  const cases: readonly (readonly [readonly string[], boolean])[] = [
    [['__GI___lll_lock_wait', '__pthread_mutex_lock'], true],
    [['pthread_rwlock_rdlock'], true],
    [['futex_wait', 'std::sys::sync::mutex::futex::Mutex::lock_contended'], true],
    [['futex_wait', 'std::sys::sync::rwlock::futex::RwLock::read_contended'], true],
    [['pthread_cond_wait', 'pthread_mutex_lock'], false],
    [['sem_wait'], false],
    [['absl::Mutex::LockSlow'], false],
    [['a', 'b', 'c', 'd', 'pthread_mutex_lock'], false],
    [[], false],
  ];
  for (const [names, expected] of cases) {
    const frames = names.map(name => ({ kind: 'native', function: name, file: undefined, line: undefined }));
    assert.equal(namesLock(frames), expected, names.join(' < '));
  }
});

test('the two words of a read-write lock are one lock', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const first = trace.thread('first', { cpu: 1 });
  const second = trace.thread('second', { cpu: 2 });
  const readers = trace.futex(0x5008);
  const writers = trace.futex(0x500c);
  const rw = { futexOp: 9, futexValue: 3 };
  // first writes, hands over to second, which waits among the writers; second lets all readers in.
  trace.waits(second, { from: 9_000, woken: 13_000, by: first, object: writers, ...rw });
  trace.waits(engine, { from: 10_000, woken: 18_000, by: second, object: readers, ...rw });
  const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 18_000));
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-18000',
      '  lock engine 10000-18000',
      '    held_by first 10000-13000',
      '      on_cpu first 10000-13000',
      '    held_by second 13000-18000',
      '      on_cpu second 13000-18000',
    ].join('\n'),
  );
});

test('the word of a lock with priority inheritance names its owner', () => {
  const WAITERS = 0x8000_0000;
  const cases: readonly { why: string; word: number; woken?: number; expected: string }[] = [
    { why: 'no unlock was seen', word: WAITERS + 1002, expected: 'held_by owner 0.8' },
    { why: 'the owner let it go', word: WAITERS + 1002, woken: 30_000, expected: 'held_by owner 0.95' },
    { why: 'another one did', word: WAITERS + 1003, woken: 30_000, expected: 'held_by owner 0.8' },
    { why: 'its own id', word: 1001, expected: 'unexplained engine 0' },
    { why: 'nobody of this process', word: 77, expected: 'unexplained engine 0' },
    { why: 'not recorded', word: 0, expected: 'unexplained engine 0' },
  ];
  for (const { why, word, woken, expected } of cases) {
    const trace = new FixtureTrace(40_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const owner = trace.thread('owner', { cpu: 1 });
    trace.thread('other', { cpu: 2 });
    const object = trace.futex(0x6000);
    const end = woken === undefined ? {} : { woken, by: owner };
    trace.waits(engine, { from: 20_000, object, futexOp: 6, futexValue: word, ...end });
    const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 20_000, 30_000));
    const [part] = cause.examples[0]?.children[0]?.children ?? [];
    assert.equal(`${part?.edge} ${part?.thread?.name} ${part?.confidence}`, expected, why);
  }
});
