// A lock with priority inheritance says who owns it: its word holds the owner's thread id in the low 30 bits
// (FUTEX_TID_MASK, futex(2)). Where the word was recorded, the owner is known even when no unlock was seen.

import { PI_MUTEX } from '../columns/off-cpu.ts';
import type { Walk } from './walk.ts';

const TID_MASK = 0x3fff_ffff;

/**
 * Index of the thread that owned the lock when the wait began; undefined where the word does not tell. The word has the
 * id as the process sees it: it is believed only where exactly one other thread of that process has it.
 */
export function ownerOf(walk: Walk, row: number): number | undefined {
  const { offCpu, details, threads } = walk.columns;
  if (offCpu.lock[row] !== PI_MUTEX) return undefined;
  const { futexValue } = details.offCpu(offCpu.id[row] ?? -1);
  // By division: the word is unsigned, and its highest bit (FUTEX_WAITERS) would make `&` negative.
  const tid = futexValue === undefined || futexValue < 0 ? 0 : futexValue % (TID_MASK + 1);
  if (tid === 0) return undefined;
  const waiter = offCpu.thread[row] as number;
  const process = threads.processes[waiter];
  let owner: number | undefined;
  for (let thread = 0; thread < threads.count; thread++) {
    if (threads.processes[thread] !== process || threads.refs[thread]?.tid !== tid) continue;
    if (thread === waiter || owner !== undefined) return undefined;
    owner = thread;
  }
  return owner;
}
