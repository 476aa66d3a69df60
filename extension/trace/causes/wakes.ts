// The unlocks of each lock. A contended lock makes a wake-up at every unlock, so the wake-ups of its waiters, in order
// of time, are its unlocks: who made one had held the lock until then.

import { wordKey } from '../columns/details.ts';
import type { Columns } from '../columns/index.ts';
import type { Context } from '../columns/names.ts';
import { contextOf, NOT_A_LOCK } from '../columns/off-cpu.ts';

/** Wake-ups on one lock, ascending in time. */
export interface Wakes {
  readonly atNs: Float64Array;
  /** Row of off_cpu: the wait that ended; its thread was woken, its end is when that thread ran. */
  readonly row: Int32Array;
}

/**
 * Which waits count as waits for the lock: those that say so themselves (`locks`), or all on its word (`all`), where
 * the lock is known by a name or a stack.
 */
export type Counting = 'locks' | 'all';

/** Wake-ups by lock, made when first asked for and kept. */
export class LockWakes {
  readonly #columns: Columns;
  readonly #known = new Map<string, Wakes>();
  #indexOfId: ReadonlyMap<number, number> | undefined;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  /** Of a lock that is one word. `object` as in the columns. */
  ofWord(object: number, counting: Counting): Wakes {
    return this.#of(object, [object], counting);
  }

  /** Of a lock that waits on two words four bytes apart: glibc's read-write lock, and the GIL. */
  ofPair(object: number, counting: Counting): Wakes {
    const twin = this.twin(object);
    return this.#of(object, twin === undefined ? [object] : [object, twin], counting);
  }

  /** The other word of the aligned eight bytes, in the same process; undefined where nobody waited on it. */
  twin(object: number): number | undefined {
    const { details, offCpu } = this.#columns;
    const id = offCpu.objectIds[object];
    const found = id === undefined ? undefined : details.object(id);
    if (found?.address === undefined || found.address % 4 !== 0) return undefined;
    const other = found.address % 8 === 0 ? found.address + 4 : found.address - 4;
    const twinId = details.futexWords().get(wordKey(found.processId, other));
    if (twinId === undefined) return undefined;
    this.#indexOfId ??= new Map(offCpu.objectIds.map((known, index) => [known, index]));
    return this.#indexOfId.get(twinId);
  }

  #of(object: number, words: readonly number[], counting: Counting): Wakes {
    const key = `${counting} ${words.length} ${object}`;
    let wakes = this.#known.get(key);
    if (wakes === undefined) {
      wakes = wakesOf(this.#columns, words, counting);
      this.#known.set(key, wakes);
    }
    return wakes;
  }
}

/** A wake-up by a time-out or an interrupt is no unlock, and neither is the end of the capture. */
function wakesOf(columns: Columns, words: readonly number[], counting: Counting): Wakes {
  const { offCpu } = columns;
  const { offsets, order } = offCpu.waits;
  const found: number[] = [];
  for (const word of words) {
    for (let place = offsets[word] ?? 0; place < (offsets[word + 1] ?? 0); place++) {
      const row = order[place] as number;
      if (counting === 'locks' && offCpu.lock[row] === NOT_A_LOCK) continue;
      if (offCpu.open[row] === 1 || (offCpu.waker[row] ?? -1) < 0) continue;
      if (byTask(contextOf(offCpu, row))) found.push(row);
    }
  }
  const rows = Int32Array.from(found).sort(
    (a, b) => (offCpu.wokenNs[a] as number) - (offCpu.wokenNs[b] as number) || a - b,
  );
  return { atNs: Float64Array.from(rows, row => offCpu.wokenNs[row] as number), row: rows };
}

const byTask = (context: Context): boolean => context === 'task' || context === 'not taken';
