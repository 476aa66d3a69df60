// Reads rows out of a base table into columns, and keeps count of what could not be believed.
//
// A trace may come from a stranger or a broken disk. A value that is no integer, is beyond 2^53, or points nowhere is
// never guessed at: its row is dropped, or its time clamped, and the count is said (`defects`).

import type { DatabaseSync } from 'node:sqlite';
import { TraceError } from '../error.ts';
import { pagesOf } from '../pages/file.ts';

/** What a defect is called -> how many values had it. */
export class Defects {
  readonly #counts = new Map<string, number>();

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  get total(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  /** One sentence for each kind; empty when every value was good. */
  sentences(): string[] {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`);
  }
}

export type Cell = unknown;

/** The cell as an integer that a number holds exactly; undefined for NULL and for anything else. */
export function integer(cell: Cell): number | undefined {
  return typeof cell === 'number' && Number.isSafeInteger(cell) ? cell : undefined;
}

export function text(cell: Cell): string | undefined {
  return typeof cell === 'string' ? cell : undefined;
}

/**
 * Calls `row` with each row of `select`, in order; the array is used again for the next one. Integers beyond 2^53 arrive
 * as undefined: node:sqlite refuses to hand them over as numbers, so such a file is read once more as BigInt.
 */
export function eachRow(db: DatabaseSync, select: string, row: (cells: readonly Cell[]) => void): void {
  let seen = 0;
  try {
    const statement = db.prepare(select);
    statement.setReturnArrays(true);
    for (const cells of statement.iterate()) {
      row(cells as unknown as readonly Cell[]);
      seen++;
    }
  } catch (error) {
    if (codeOf(error) !== 'ERR_OUT_OF_RANGE') throw damaged(error);
    eachBigRow(db, select, seen, row);
  }
}

/** A row takes more of a file: a byte of its header for each column, its length, its place. */
const LEAST_ROW_BYTES = 16;

/**
 * Room to make for the rows of a table: hardly ever too little, and memory that is never written to is never taken. Its
 * largest id says so at once, where counting reads the whole table; what the file cannot hold is not believed.
 */
export function roomFor(db: DatabaseSync, table: 'cuda_call' | 'off_cpu' | 'cpu_slice'): number {
  const file = pagesOf(db);
  const most =
    file === undefined ? Number.POSITIVE_INFINITY : (file.pages * file.pageBytes) / LEAST_ROW_BYTES;
  const asked = file === undefined || table === 'cpu_slice' ? 'count(*)' : 'max(id)';
  let rows = 0;
  eachRow(db, `SELECT ${asked} FROM ${table}`, cells => {
    rows = integer(cells[0]) ?? 0;
  });
  return Math.max(0, Math.min(rows, Math.floor(most)));
}

function eachBigRow(
  db: DatabaseSync,
  select: string,
  skip: number,
  row: (cells: readonly Cell[]) => void,
): void {
  let seen = 0;
  try {
    const statement = db.prepare(select);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    for (const cells of statement.iterate()) {
      if (seen++ < skip) continue;
      row((cells as unknown as readonly Cell[]).map(narrow));
    }
  } catch (error) {
    throw damaged(error);
  }
}

function narrow(cell: Cell): Cell {
  if (typeof cell !== 'bigint') return cell;
  const value = Number(cell);
  return Number.isSafeInteger(value) ? value : undefined;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** SQLite's own errors mean the file; anything else is a fault of ours and stays what it is. */
export function damaged(error: unknown): unknown {
  if (!(error instanceof Error) || codeOf(error) !== 'ERR_SQLITE_ERROR') return error;
  return new TraceError(
    'damaged',
    `The trace could not be read to its end: ${error.message}.`,
    'Pull the trace from its host again, or run `wakechain-collector finalize` on its spool again.',
  );
}
