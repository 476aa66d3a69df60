// Reads integer columns of a whole table, quickly. node:sqlite makes an object of every row and a value of every cell:
// 0.67 us a row of 6 columns, half of all the time from opening a trace to its causes. The same columns straight from the
// file's pages take 0.1 us. The format is documented and frozen (sqlite.org/fileformat2.html), the file is immutable while
// it is open, and only this one thing is read so; everything else asks SQLite.

import type { DatabaseSync } from 'node:sqlite';
import { eachRow, integer } from '../columns/read.ts';
import { damaged } from '../error.ts';
import { rowReader } from './cells.ts';
import { type PageFile, pagesOf } from './file.ts';
import { NOTHING, RecordReader, UNUSABLE } from './record.ts';
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
  const layout = file && layoutOf(db, question);
  if (file === undefined || layout === undefined) bySql(db, question, row);
  else byPages(file, layout, question, row);
}

function byPages(
  file: PageFile,
  { root, stored, key, rowIds }: Layout,
  { columns, contains }: Question,
  row: (cells: Float64Array) => void,
): void {
  const place = (column: string): number => stored.indexOf(column);
  const reader = new RecordReader({
    places: columns.map(place),
    rowIdPlace: rowIds ? (key.map(place)[0] ?? -1) : -1,
    contains: contains && { place: place(contains.column), text: contains.text },
  });
  const inOrder = rowIds
    ? row
    : ascending(
        key.map(column => columns.indexOf(column)),
        row,
      );
  walk(file, root, rowIds, rowReader(file, reader, rowIds, inOrder));
  file.unchanged();
}

/** Rows of a table without row ids ascend by their key: what was put elsewhere, or is there twice, is noticed by that. */
function ascending(
  key: readonly number[],
  row: (cells: Float64Array) => void,
): (cells: Float64Array) => void {
  if (key.length === 0 || key.includes(-1)) return row;
  const before = new Float64Array(key.length).fill(Number.NEGATIVE_INFINITY);
  return cells => {
    let rising = false;
    for (let place = 0; place < key.length; place++) {
      const value = cells[key[place] as number] as number;
      // What is no integer is where SQLite sorts it, which is not looked into.
      if (!rising && value < (before[place] as number)) throw damaged('its rows are not in order');
      rising ||= !(value === before[place]);
      before[place] = Number.isFinite(value) ? value : Number.NEGATIVE_INFINITY;
    }
    if (!rising) throw damaged('its rows are not in order');
    row(cells);
  };
}

/** How the file stores a table. */
interface Layout {
  /** Number of its first page. */
  readonly root: number;
  /** Columns in their order on disk. */
  readonly stored: readonly string[];
  /** Columns of its primary key; of a table with row ids the one that stands for it, if one does. */
  readonly key: readonly string[];
  readonly rowIds: boolean;
}

/**
 * Undefined for a table that only SQLite should read: a column is not in the rows that were written before it was added
 * and has a default, or is computed, or the primary key is stored apart or descending. No collector makes any such.
 */
function layoutOf(db: DatabaseSync, { table, columns, contains }: Question): Layout | undefined {
  const asked = [...columns, ...(contains === undefined ? [] : [contains.column])];
  const known = db
    .prepare('SELECT name, pk, dflt_value, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 2 ORDER BY cid')
    .all(table)
    .map(({ name, pk, dflt_value, hidden }) => ({
      name: String(name),
      pk: Number(pk),
      plain: dflt_value === null && hidden === 0,
    }));
  if (asked.some(column => !known.some(({ name, plain }) => name === column && plain))) return undefined;
  const root = db
    .prepare("SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = ?")
    .get(table)?.['rootpage'];
  if (typeof root !== 'number') return undefined;
  const keys = known.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  const key = keys.map(({ name }) => name);
  const apart = db.prepare("SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'").get(table)?.['name'];
  const bare =
    db.prepare("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'").get(table)?.['wr'] === 1;
  if (!bare)
    return apart === undefined
      ? { root, stored: known.map(({ name }) => name), key, rowIds: true }
      : undefined;
  const turned = db
    .prepare('SELECT 1 FROM pragma_index_xinfo(?) WHERE key = 1 AND "desc" = 1')
    .get(apart ?? '');
  if (turned !== undefined) return undefined;
  // WITHOUT ROWID: the key first, then the rest.
  const rest = known.filter(({ pk }) => pk === 0).map(({ name }) => name);
  return { root, stored: [...key, ...rest], key, rowIds: false };
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
