// Reads integer columns of a whole table, quickly. node:sqlite makes an object of every row and a value of every cell:
// 0.67 us a row of 6 columns, half of all the time from opening a trace to its causes. The same columns straight from the
// file's pages take 0.1 us. The format is documented and frozen (sqlite.org/fileformat2.html), the file is immutable while
// it is open, and only this one thing is read so; everything else asks SQLite.

import type { DatabaseSync } from 'node:sqlite';
import { eachRow, integer } from '../columns/read.ts';
import { rowReader } from './cells.ts';
import { type PageFile, pagesOf } from './file.ts';
import { NOTHING, RecordReader, UNUSABLE, type Wanted } from './record.ts';
import { walk } from './tree.ts';

export interface Question {
  /** A table of schema.sql. */
  readonly table: string;
  readonly columns: readonly string[];
  /** Asks for one cell more: 1 where that column's text holds `text` (plain letters), else 0. */
  readonly contains?: { readonly column: string; readonly text: string };
}

/**
 * Calls `row` with the cells of each row, ascending by the table's primary key: numbers, NaN for NULL, Infinity for what
 * is no integer within +-(2^53 - 1). The array is used again for the next row. Throws TraceError 'damaged'.
 */
export function scan(db: DatabaseSync, question: Question, row: (cells: Float64Array) => void): void {
  const file = pagesOf(db);
  if (file === undefined) bySql(db, question, row);
  else byPages(db, file, question, row);
}

function byPages(
  db: DatabaseSync,
  file: PageFile,
  { table, columns, contains }: Question,
  row: (cells: Float64Array) => void,
): void {
  const { root, stored, rowIds, rowIdPlace } = layoutOf(db, table);
  const place = (column: string): number => stored.indexOf(column);
  const wanted: Wanted = {
    places: columns.map(place),
    rowIdPlace,
    contains: contains && { place: place(contains.column), text: contains.text },
  };
  walk(file, root, rowReader(file, new RecordReader(wanted), rowIds, row));
}

/** How the file stores a table: its first page, its columns in their order on disk, which of them is the row id. */
function layoutOf(
  db: DatabaseSync,
  table: string,
): {
  readonly root: number;
  readonly stored: readonly string[];
  readonly rowIds: boolean;
  readonly rowIdPlace: number;
} {
  const root = Number(
    db.prepare("SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = ?").get(table)?.[
      'rootpage'
    ],
  );
  const bare =
    db.prepare("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'").get(table)?.['wr'] === 1;
  const columns = db
    .prepare('SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden <> 2 ORDER BY cid')
    .all(table)
    .map(column => ({ name: String(column['name']), pk: Number(column['pk']) }));
  if (!bare) {
    const keys = columns.filter(({ pk }) => pk > 0);
    const rowIdPlace = keys.length === 1 ? columns.findIndex(({ pk }) => pk > 0) : -1;
    return { root, stored: columns.map(({ name }) => name), rowIds: true, rowIdPlace };
  }
  // WITHOUT ROWID: the key first, then the rest.
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  const rest = columns.filter(({ pk }) => pk === 0);
  return { root, stored: [...key, ...rest].map(({ name }) => name), rowIds: false, rowIdPlace: -1 };
}

function bySql(
  db: DatabaseSync,
  { table, columns, contains }: Question,
  row: (cells: Float64Array) => void,
): void {
  const flag = contains === undefined ? [] : [`ifnull(instr(${contains.column}, '${contains.text}'), 0) > 0`];
  const cells = new Float64Array(columns.length + flag.length);
  const key = db
    .prepare('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk')
    .all(table)
    .map(column => String(column['name']));
  const order = key.length === 0 ? '' : ` ORDER BY ${key.join(', ')}`;
  const select = `SELECT ${[...columns, ...flag].join(', ')} FROM ${table}${order}`;
  eachRow(db, select, values => {
    for (let cell = 0; cell < cells.length; cell++) cells[cell] = numeric(values[cell]);
    row(cells);
  });
}

/** A cell of SQLite as `scan` gives it. */
export const numeric = (cell: unknown): number => (cell === null ? NOTHING : (integer(cell) ?? UNUSABLE));
