// Columns that few questions need (the stacks of flame graphs), read when one asks, in the order of columns that are
// already there.

import type { DatabaseSync } from 'node:sqlite';
import { damaged } from '../error.ts';
import { scan } from '../pages/scan.ts';
import { type Ids, idOf } from './rows.ts';
import type { Threads } from './threads.ts';

interface Known {
  readonly rows: number;
  /** Rows of thread t: offsets[t] .. offsets[t + 1] - 1. */
  readonly offsets: Int32Array;
  readonly id: Ids;
}

/** The asked id columns of `table`, one value for each row of `known`; -1 = NULL. Throws TraceError 'damaged'. */
export function alongside(
  db: DatabaseSync,
  table: 'cuda_call' | 'off_cpu',
  columns: readonly string[],
  known: Known,
  threads: Threads,
): readonly Int32Array[] {
  const found = columns.map(() => new Int32Array(known.rows).fill(-1));
  // Rows of a thread nearly always stand in the order of their ids: each next one is where the last one ended.
  const next = known.offsets.slice(0, threads.count);
  const places = new Map<number, ReadonlyMap<number, number>>();
  const place = (thread: number, id: number): number | undefined => {
    let rows = places.get(thread);
    if (rows === undefined) {
      rows = rowsById(known, thread);
      places.set(thread, rows);
    }
    return rows.get(id);
  };
  scan(db, { table, columns: ['id', 'thread_id', ...columns] }, cells => {
    const id = cells[0] as number;
    const thread = threads.indexOf(cells[1] as number);
    if (thread < 0) return;
    const likely = next[thread] as number;
    const inOrder = likely < (known.offsets[thread + 1] as number) && known.id[likely] === id;
    // A row that was not believed is in no column.
    const row = inOrder ? likely : place(thread, id);
    if (row === undefined) return;
    next[thread] = row + 1;
    for (let column = 0; column < found.length; column++) {
      const value = idOf(cells[column + 2]);
      if (value > 2 ** 31 - 1)
        throw damaged(`${table}.${columns[column]} refers to more rows than a file can hold`);
      (found[column] as Int32Array)[row] = value;
    }
  });
  return found;
}

function rowsById({ offsets, id }: Known, thread: number): ReadonlyMap<number, number> {
  const rows = new Map<number, number>();
  for (let row = offsets[thread] as number; row < (offsets[thread + 1] as number); row++) {
    rows.set(id[row] as number, row);
  }
  return rows;
}
