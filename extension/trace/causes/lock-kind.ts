// Is a futex wait a wait for a lock, and for which? (causes.md, "Locks".) Every other futex wait is a wake chain: to call
// the thread that signals a condition variable its holder would be a confident lie.

import type { StackSite } from '../columns/details.ts';
import { NOT_A_LOCK, RW_LOCK } from '../columns/off-cpu.ts';
import { isGil, isGilWait } from './gil.ts';
import type { Link } from './sure.ts';
import type { Wakes } from './wakes.ts';
import type { Walk } from './walk.ts';

export interface Lock {
  /** Its unlocks. */
  readonly wakes: Wakes;
  /** What calls it a lock. */
  readonly known: Extract<Link, 'seen' | 'pattern'>;
}

/** The lock that a futex wait was for; undefined where nothing says that it was one. */
export function lockOf(walk: Walk, row: number): Lock | undefined {
  const { offCpu } = walk.columns;
  const object = offCpu.object[row] ?? -1;
  if (object < 0) return undefined;
  const code = offCpu.lock[row] ?? NOT_A_LOCK;
  if (isGilWait(walk, row)) return { wakes: walk.wakes.ofPair(object, 'all'), known: 'seen' };
  if (code === RW_LOCK) return { wakes: walk.wakes.ofPair(object, 'locks'), known: 'seen' };
  if (code !== NOT_A_LOCK) return { wakes: walk.wakes.ofWord(object, 'locks'), known: 'seen' };
  if (isGil(walk.object(row)) || !stackNamesLock(walk, row)) return undefined;
  return { wakes: walk.wakes.ofWord(object, 'all'), known: 'pattern' };
}

/** Innermost frames that are asked: deeper ones called what waits, they are not it. */
const INNERMOST = 4;
/**
 * The slow paths of locks that keep one word for all waiters: glibc's and musl's mutexes, read-write locks, Rust's
 * standard ones. absl and parking_lot keep a word for each waiter: their unlocks cannot be told from these rows.
 */
const LOCKS =
  /\b(lock_contended|(__)?pthread_mutex_(timed|clock)?lock|__lll_lock_wait\w*|(__)?pthread_rwlock_(timed|clock)?(rd|wr)lock\w*|read_contended|write_contended)\b/;
const SIGNALS = /cond(var|ition|_?wait|_?timedwait)|sem_(timed|clock)?wait|parking_lot|absl::/i;

function stackNamesLock(walk: Walk, row: number): boolean {
  const { offCpu, details } = walk.columns;
  const { stackId } = details.offCpu(offCpu.id[row] ?? -1);
  return stackId !== undefined && namesLock(details.stack(stackId));
}

/** Whether the innermost frames of a stack are those of a lock with one word. */
export function namesLock(frames: readonly StackSite[]): boolean {
  const names = frames.slice(0, INNERMOST).map(frame => frame.function);
  return names.some(name => LOCKS.test(name)) && !names.some(name => SIGNALS.test(name));
}
