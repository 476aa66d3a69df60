// Reads whole columns of integers quickly. SQLite hands a page of 50 000 rows over as one text a column
// (group_concat), which is parsed into a typed array here: 8 columns of 760 000 rows take 0.3 s, where a row at a time
// through node:sqlite takes 0.5 s and makes an object a row.

import type { DatabaseSync } from 'node:sqlite';
import { damaged } from '../error.ts';

const PAGE_ROWS = 50_000;

/** What stands for NULL: no column read this way is ever negative. */
export const NULL = -1;

type Numbers = Float64Array | Int32Array | Uint8Array;

export interface Packed {
  readonly count: number;
  /** One for each expression, in order. */
  readonly columns: readonly Float64Array[];
}

/**
 * The value of each expression for every row of `table`, ascending by `key` (the rowid, or the last part of a primary
 * key whose other parts `where` fixes). The first expression must be the key itself.
 */
export function readPacked(
  db: DatabaseSync,
  table: string,
  expressions: readonly [string, ...string[]],
  where = '1',
): Packed {
  const [key] = expressions;
  const total = Number(db.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).get()?.['n'] ?? 0);
  const columns = expressions.map(() => new Float64Array(total));
  const texts = expressions.map((_, i) => `CAST(group_concat(c${i}) AS BLOB)`).join(', ');
  const values = expressions.map((expression, i) => `ifnull(${expression}, ${NULL}) AS c${i}`).join(', ');
  const page = db.prepare(
    `SELECT count(*), ${texts} FROM (SELECT ${values} FROM ${table} WHERE ${where} AND ${key} > ?
     ORDER BY ${key} LIMIT ${PAGE_ROWS})`,
  );
  page.setReturnArrays(true);
  let done = 0;
  let last = -1;
  while (done < total) {
    const [count, ...parts] = page.get(last) as unknown as [number, ...Uint8Array[]];
    if (count === 0) break;
    for (const [i, part] of parts.entries()) {
      const column = columns[i];
      if (column === undefined || parseIntegers(part, column, done) !== count) {
        throw damaged(`the table ${table} holds something that is not an integer`);
      }
    }
    done += count;
    last = columns[0]?.[done - 1] ?? Number.POSITIVE_INFINITY;
  }
  if (done !== total) throw damaged(`the table ${table} has rows with a negative key`);
  return { count: total, columns };
}

/** Parses `12,-1,7` into `into` from `at` on; returns how many there were, or -1 when something is no safe integer. */
export function parseIntegers(text: Uint8Array, into: Numbers, at: number): number {
  let place = at;
  let value = 0;
  let negative = false;
  for (const byte of text) {
    if (byte >= 48 && byte <= 57) {
      value = value * 10 + (byte - 48);
    } else if (byte === 44) {
      if (value > Number.MAX_SAFE_INTEGER) return -1;
      into[place++] = negative ? -value : value;
      value = 0;
      negative = false;
    } else if (byte === 45 && value === 0) {
      negative = true;
    } else {
      return -1;
    }
  }
  if (value > Number.MAX_SAFE_INTEGER) return -1;
  into[place++] = negative ? -value : value;
  return place - at;
}
