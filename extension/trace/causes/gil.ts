// Python's global interpreter lock. CPython asks for it in waits of 5 ms that time out, the waker of which is the timer;
// in between it looks, and asks again. One such wait says nothing: a thread's consecutive ones are one wait, and who let
// it go is known from the one that ended by a wake-up.
//
//     |-- 5 ms --|.|-- 5 ms --|.|-- 1.2 ms --|      . = some microseconds on the CPU
//      timed out    timed out    woken by the holder

import type { CauseNode } from '../api.ts';
import { contextOf, reasonOf } from '../columns/off-cpu.ts';
import { upperBound } from '../columns/search.ts';
import type { Walk } from './walk.ts';

/** On the CPU between two waits for less than this, the thread merely looked whether the lock was free. */
const LOOKED_NS = 50_000;
/**
 * After a time-out it cannot have had the lock, which is given away by a wake-up: it looks, asks the holder to let go,
 * and waits again. Measured 20 to 60 us on a traced virtual machine.
 */
const LOOKED_AFTER_TIMEOUT_NS = 500_000;
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
    const lookedNs = contextOf(offCpu, last) === 'interrupt' ? LOOKED_AFTER_TIMEOUT_NS : LOOKED_NS;
    if ((offCpu.startNs[next] as number) - (offCpu.endNs[next - 1] as number) >= lookedNs) break;
    if (isGilWait(walk, next) && sameLock(walk, row, next)) {
      last = next; // also one whose wake-up was there before it slept
      continue;
    }
    if ((offCpu.wokenNs[next] as number) > (offCpu.startNs[next] as number)) break;
  }
  return last;
}

/**
 * Who gave the lock to `thread`, seen from the other side: asked to let go, it waits (without a time-out) until the
 * thread it let in says that it has the lock. For a wait that timed out: the lock came before the thread had gone to
 * sleep again. Row of off_cpu; undefined where nobody was seen to.
 */
export function gaveUp(walk: Walk, thread: number, lastRow: number): number | undefined {
  const { offCpu, threads } = walk.columns;
  if (!isGilWait(walk, lastRow) || contextOf(offCpu, lastRow) !== 'interrupt') return undefined;
  const timedOutNs = offCpu.wokenNs[lastRow] as number;
  const process = threads.processes[thread]?.id;
  for (let other = 0; other < threads.count; other++) {
    if (other === thread || threads.processes[other]?.id !== process) continue;
    const to = offCpu.offsets[other + 1] ?? 0;
    const from = upperBound(offCpu.startNs, timedOutNs, offCpu.offsets[other] ?? 0, to);
    for (let row = from; row < to; row++) {
      if ((offCpu.startNs[row] as number) - timedOutNs > LOOKED_AFTER_TIMEOUT_NS) break;
      if (offCpu.waker[row] === thread && isHandOver(walk, row)) return row;
    }
  }
  return undefined;
}

const isHandOver = (walk: Walk, row: number): boolean =>
  reasonOf(walk.columns.offCpu, row) === 'futex' && isGil(walk.object(row)) && !isGilWait(walk, row);

function sameLock(walk: Walk, a: number, b: number): boolean {
  const { offCpu } = walk.columns;
  const one = offCpu.object[a] ?? -1;
  const other = offCpu.object[b] ?? -1;
  return one === other || walk.wakes.twin(one) === other;
}
