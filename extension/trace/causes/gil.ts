// Python's global interpreter lock. CPython asks for it in waits of 5 ms that time out, the waker of which is the timer;
// in between it looks, and asks again. One such wait says nothing: a thread's consecutive ones are one wait, and who let
// it go is known from the one that ended by a wake-up.
//
//     |-- 5 ms --|.|-- 5 ms --|.|-- 1.2 ms --|      . = some microseconds on the CPU
//      timed out    timed out    woken by the holder

import type { CauseNode } from '../api.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import type { Walk } from './walk.ts';

/** On the CPU between two waits for less than this, the thread merely looked whether the lock was free. */
const LOOKED_NS = 50_000;
/** Waits joined at most: with 5 ms each, 20 s. */
const MOST_JOINED = 4096;

/** The collector names the words by the object of CPython they lie in. */
export const isGil = (object: CauseNode['object']): boolean => object?.name?.endsWith('(GIL)') === true;

/**
 * Whether the off-CPU interval is a wait for the GIL: on its words, and with a time-out, as take_gil asks. Its other
 * waits there (for the thread it gave the lock to to have taken it) have none, and are wake chains.
 */
export function isGilWait(walk: Walk, row: number): boolean {
  const { offCpu, details } = walk.columns;
  if (reasonOf(offCpu, row) !== 'futex' || !isGil(walk.object(row))) return false;
  return (details.offCpu(offCpu.id[row] ?? -1).timeoutNs ?? 0) > 0;
}

/** The last row of the waits that are one with `row`'s; `row` itself where there is none. */
export function lastJoined(walk: Walk, row: number): number {
  const { offCpu } = walk.columns;
  if (!isGilWait(walk, row)) return row;
  let last = row;
  for (let next = row + 1; next < offCpu.rows && next - row < MOST_JOINED; next++) {
    if (offCpu.thread[next] !== offCpu.thread[row]) break;
    // Preempted while it looked: still the same wait, if it waits for the lock again right after.
    if ((offCpu.startNs[next] as number) - (offCpu.endNs[next - 1] as number) >= LOOKED_NS) break;
    const blocks = (offCpu.wokenNs[next] as number) > (offCpu.startNs[next] as number);
    if (!blocks) continue;
    if (!isGilWait(walk, next) || !sameLock(walk, row, next)) break;
    last = next;
  }
  return last;
}

function sameLock(walk: Walk, a: number, b: number): boolean {
  const { offCpu } = walk.columns;
  const one = offCpu.object[a] ?? -1;
  const other = offCpu.object[b] ?? -1;
  return one === other || walk.wakes.twin(one) === other;
}
