// What schema.sql says, asked of SQLite itself: the text is run in an empty database in memory, and the tables, columns
// and views are read back. No second copy of the schema, and no parser of our own.

import { DatabaseSync } from 'node:sqlite';

export interface Schema {
  readonly text: string;
  /** Column names of each base table, in order. */
  readonly tables: ReadonlyMap<string, readonly string[]>;
  readonly views: readonly {
    readonly name: string;
    readonly sql: string;
    readonly columns: readonly string[];
  }[];
}

/** Reads the schema out of the text of schema.sql. */
export function readSchema(text: string): Schema {
  const db = new DatabaseSync(':memory:');
  try {
    db.exec(text);
    const columns = db.prepare('SELECT name FROM pragma_table_info(?) ORDER BY cid');
    const columnsOf = (name: string): readonly string[] => columns.all(name).map(row => String(row['name']));
    const named = (type: string) =>
      db
        .prepare('SELECT name, sql FROM sqlite_schema WHERE type = ? ORDER BY rowid')
        .all(type)
        .map(row => ({ name: String(row['name']), sql: String(row['sql']) }));
    return {
      text,
      tables: new Map(named('table').map(({ name }) => [name, columnsOf(name)])),
      views: named('view').map(view => ({ ...view, columns: columnsOf(view.name) })),
    };
  } finally {
    db.close();
  }
}
