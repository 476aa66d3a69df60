// The trace that an importer writes: the tables of schema.sql in a new file, rows as they come, indexes after the last.

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Schema } from '../schema.ts';

export type Cell = number | string | bigint | null;

export class Target {
  readonly #db: DatabaseSync;
  readonly #schema: Schema;
  readonly #inserts = new Map<string, StatementSync>();
  readonly #names = new Map<string, number>();

  /** `file` must not be there yet. */
  constructor(file: string, schema: Schema) {
    this.#schema = schema;
    this.#db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    // A file that is not finished is thrown away: no journal.
    this.#db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
    this.#db.exec(schema.text.slice(0, this.#indexes));
    this.#db.exec('BEGIN');
  }

  get #indexes(): number {
    return this.#schema.text.indexOf('CREATE INDEX');
  }

  /** `cells` in the order of the table's columns in schema.sql; those left out at the end are NULL. */
  add(table: string, cells: readonly Cell[]): void {
    let insert = this.#inserts.get(table);
    const columns = this.#schema.tables.get(table)?.length ?? 0;
    if (insert === undefined) {
      insert = this.#db.prepare(`INSERT INTO ${table} VALUES (${Array(columns).fill('?').join()})`);
      this.#inserts.set(table, insert);
    }
    const missing: null[] = Array(Math.max(0, columns - cells.length)).fill(null);
    insert.run(...cells, ...missing);
  }

  /** The id of a word in the table `name`. */
  word(word: string): number {
    let id = this.#names.get(word);
    if (id === undefined) {
      id = this.#names.size + 1;
      this.#names.set(word, id);
      this.add('name', [id, word]);
    }
    return id;
  }

  meta(key: string, value: unknown): void {
    this.add('meta', [key, JSON.stringify(value)]);
  }

  finish(): void {
    this.#db.exec('COMMIT');
    this.#db.exec(this.#schema.text.slice(this.#indexes));
    this.#db.close();
  }

  /** Closes what could not be finished. */
  abandon(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
