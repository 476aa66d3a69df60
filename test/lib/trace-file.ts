// A trace as plain SQL, read without any of our own code: the independent count that tests compare with.

import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

export type Row = Readonly<Record<string, string | number | null>>;

export class TraceFile {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  rows(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#database.prepare(sql).all(...values) as Row[];
  }

  /** The number in the first column of the first row; 0 for NULL. */
  number(sql: string, ...values: SQLInputValue[]): number {
    const row = this.rows(sql, ...values)[0];
    return Number(Object.values(row ?? {})[0] ?? 0);
  }

  meta(key: string): unknown {
    const text = this.rows('SELECT value FROM meta WHERE key = ?', key)[0]?.['value'];
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  }

  /** When the capture began, by the wall clock. */
  get startUnixNs(): bigint {
    return BigInt(String(this.meta('start_unix_ns')));
  }

  close(): void {
    this.#database.close();
  }
}
