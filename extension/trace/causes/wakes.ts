// The unlocks of each lock. A contended mutex makes a FUTEX_WAKE at every unlock, so the wake-ups of its waiters, in
// order of time, are its unlocks: who made one had held the lock until then.

import type { Columns } from '../columns/index.ts';
import type { Context } from '../columns/names.ts';
import { contextOf } from '../columns/off-cpu.ts';

/** Wake-ups on one lock, ascending in time. */
export interface Wakes {
  readonly atNs: Float64Array;
  /** Row of off_cpu: the wait that ended; its thread was woken, its end is when that thread ran. */
  readonly row: Int32Array;
}

/** Wake-ups by lock, made when first asked for and kept. */
export class LockWakes {
  readonly #columns: Columns;
  readonly #byObject = new Map<number, Wakes>();

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  of(object: number): Wakes {
    let wakes = this.#byObject.get(object);
    if (wakes === undefined) {
      wakes = wakesOf(this.#columns, object);
      this.#byObject.set(object, wakes);
    }
    return wakes;
  }
}

/** A wake-up by a time-out or an interrupt is no unlock, and neither is the end of the capture. */
function wakesOf(columns: Columns, object: number): Wakes {
  const { offCpu } = columns;
  const { offsets, order } = offCpu.locks;
  const rows = order
    .slice(offsets[object] ?? 0, offsets[object + 1] ?? 0)
    .filter(row => offCpu.open[row] === 0 && (offCpu.waker[row] ?? -1) >= 0 && byTask(contextOf(offCpu, row)))
    .sort((a, b) => (offCpu.wokenNs[a] as number) - (offCpu.wokenNs[b] as number) || a - b);
  return { atNs: Float64Array.from(rows, row => offCpu.wokenNs[row] as number), row: rows };
}

const byTask = (context: Context): boolean => context === 'task' || context === 'not taken';
