// Opens a trace for reading, so that the file stays as it is, byte for byte, and nothing appears beside it. The file may
// come from a stranger: its own views and triggers are never run, and its tables must be those of schema.sql.

import { DatabaseSync, type DatabaseSyncOptions } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { damaged, toTraceError } from './error.ts';
import { type Guard, guard } from './guard.ts';
import { LONGEST_BYTES } from './pages/cells.ts';
import { keepPages, openPages, type PageFile } from './pages/file.ts';
import type { Schema } from './schema.ts';
import { type Sniffed, sniff } from './sniff.ts';

export interface OpenTrace extends Sniffed {
  readonly path: string;
  readonly db: DatabaseSync;
  readonly schema: Schema;
  readonly guard: Guard;
  close(): void;
}

/** Limits of SQLite itself (sqlite.org/c3ref/c_limit_attached.html); Node has them since 24.15, its types not yet. */
interface Limits {
  readonly attach: number;
  readonly length: number;
  readonly sqlLength: number;
}

const limits: Limits = {
  attach: 0,
  /** Bytes of a string, a blob or a row: stops printf('%.*c', ...) and zeroblob(...). */
  length: LONGEST_BYTES,
  sqlLength: 100_000,
};

/**
 * Opens `path` read-only and guarded. Throws a TraceError for anything that is not a sound trace.
 * `immutable` keeps SQLite from locks and from any file of its own beside the trace.
 */
export function openDatabase(path: string, schema: Schema): OpenTrace {
  const sniffed = sniff(path);
  const url = pathToFileURL(path);
  url.searchParams.set('mode', 'ro');
  url.searchParams.set('immutable', '1');
  const options: DatabaseSyncOptions & { readonly limits: Limits } = {
    readOnly: true,
    defensive: true,
    allowExtension: false,
    enableDoubleQuotedStringLiterals: false,
    limits,
  };
  let db: DatabaseSync | undefined;
  let pages: PageFile | undefined;
  const close = () => {
    pages?.close();
    pages = undefined;
    db?.close();
    db = undefined;
  };
  try {
    pages = openPages(path);
    db = new DatabaseSync(url, options);
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON');
    db.exec('PRAGMA cache_size = -16384; PRAGMA mmap_size = 0');
    checkTables(db, schema);
    for (const view of schema.views) db.exec(view.sql.replace(/^CREATE VIEW/i, 'CREATE TEMP VIEW'));
    db.exec('PRAGMA query_only = ON');
    // A file that was put in place of the other between the two is SQLite's alone.
    if (pages?.is(path) === true) keepPages(db, pages);
    return { path, ...sniffed, db, schema, guard: guard(db), close };
  } catch (error) {
    close();
    throw toTraceError(error);
  }
}

/** Every table of the schema must be there as a plain strict table with the columns that queries will name. */
function checkTables(db: DatabaseSync, schema: Schema): void {
  const listed = new Map(
    db
      .prepare("SELECT name, type, strict FROM pragma_table_list WHERE schema = 'main'")
      .all()
      .map(row => [String(row['name']), row]),
  );
  const columns = db.prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0');
  for (const [table, wanted] of schema.tables) {
    const row = listed.get(table);
    if (row === undefined) throw damaged(`the table ${table} is missing`);
    if (row['type'] !== 'table' || row['strict'] !== 1) throw damaged(`${table} is not a strict table`);
    const found = new Set(columns.all(table).map(column => column['name']));
    const missing = wanted.find(name => !found.has(name));
    if (missing !== undefined) throw damaged(`the table ${table} has no column ${missing}`);
  }
}
