// Tables as other programs make them: any order of columns, any key, columns that came later, defaults, computed ones.
// What `scan` says of each is compared with a plain SELECT; where the pages alone do not say it, SQLite is asked.

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { keepPages, openPages } from './file.ts';
import { scan } from './scan.ts';

const folder = mkdtempSync(join(tmpdir(), 'wakechain-layouts-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'case.db');

/** A statement's rows as `scan` gives them. */
function selected(db: DatabaseSync, select: string): string[] {
  const statement = db.prepare(select);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement.all().map(row =>
    (row as unknown as readonly unknown[])
      .map(cell => {
        if (cell === null) return Number.NaN;
        const value = typeof cell === 'bigint' || typeof cell === 'number' ? Number(cell) : Number.NaN;
        return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
      })
      .join(' '),
  );
}

/** The asked columns of the table `t` of the file, by its pages where `scan` takes them. */
function scanned(db: DatabaseSync, columns: readonly string[]): string[] {
  const pages = openPages(file);
  assert.ok(pages !== undefined);
  keepPages(db, pages);
  const rows: string[] = [];
  try {
    scan(db, { table: 't', columns }, cells => rows.push(cells.join(' ')));
  } finally {
    pages.close();
  }
  return rows;
}

function made(statements: string): DatabaseSync {
  rmSync(file, { force: true });
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; ${statements}`);
  return db;
}

const value = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constant('NULL'),
);
const table = fc.record({
  pageSize: fc.constantFrom(512, 1024, 4096, 32_768, 65_536),
  columns: fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e'], { minLength: 2 }),
  /** How many of the columns are the key, from which one on. */
  keys: fc.integer({ min: 0, max: 2 }),
  keyType: fc.constantFrom('INTEGER', 'INT', 'INTEGER DESC'),
  bare: fc.boolean(),
  strict: fc.boolean(),
  asked: fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e', 'later', 'given', 'twice'], { minLength: 1 }),
  added: fc.subarray(['later INTEGER', 'given INTEGER DEFAULT 7', 'twice INTEGER AS (17) VIRTUAL']),
  rows: fc.array(fc.array(value, { minLength: 5, maxLength: 5 }), { maxLength: 150, size: 'max' }),
});

test('tables of every shape hold what a plain SELECT says', () => {
  const seen = { rows: 0, tables: 0 };
  fc.assert(
    fc.property(table, ({ pageSize, columns, keys, keyType, bare, strict, asked, added, rows }) => {
      const [type = '', turn = ''] = keyType.split(' ');
      const key = columns.slice(1, 1 + keys);
      const inline = key.length === 1 && !bare;
      const parts = columns.map(name =>
        inline && name === key[0] ? `${name} ${type} PRIMARY KEY ${turn}` : `${name} INTEGER`,
      );
      if (key.length > 0 && !inline)
        parts.push(`PRIMARY KEY (${key.map(name => `${name} ${turn}`).join(', ')})`);
      const options = [...(strict ? ['STRICT'] : []), ...(bare && key.length > 0 ? ['WITHOUT ROWID'] : [])];
      const insert = (values: readonly unknown[]): string =>
        `INSERT OR IGNORE INTO t (${columns.join(', ')}) VALUES (${values.slice(0, columns.length).join(', ')});`;
      const half = rows.length >> 1;
      const db = made(
        `PRAGMA page_size = ${pageSize}; CREATE TABLE t (${parts.join(', ')}) ${options.join(', ')}; BEGIN;
         ${rows.slice(0, half).map(insert).join('\n')} COMMIT;
         ${added.map(column => `ALTER TABLE t ADD COLUMN ${column};`).join('\n')} BEGIN;
         ${rows.slice(half).map(insert).join('\n')} COMMIT`,
      );
      const there = new Set([...columns, ...added.map(column => column.split(' ')[0])]);
      const wanted = asked.filter(column => there.has(column));
      if (wanted.length > 0) {
        const expected = selected(db, `SELECT ${wanted.join(', ')} FROM t`);
        const found = scanned(db, wanted);
        // In which order is for the columns to sort out; which rows, and how many of each, is not.
        assert.deepEqual(found.toSorted(), expected.toSorted());
        seen.rows += found.length;
        seen.tables++;
      }
      db.close();
    }),
    { numRuns: 200 },
  );
  assert.ok(seen.tables > 100 && seen.rows > 3000, `${seen.tables} tables, ${seen.rows} rows were compared`);
});

test('a file that is written to while it is read is refused', () => {
  const db = made('CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER); INSERT INTO t VALUES (1, 2), (3, 4)');
  const pages = openPages(file);
  assert.ok(pages !== undefined);
  keepPages(db, pages);
  const read = (): void => scan(db, { table: 't', columns: ['a'] }, () => undefined);
  read();
  appendFileSync(file, Buffer.alloc(4096));
  assert.throws(read, { reason: 'damaged', message: /changed by another program/ });
  pages.close();
  db.close();
});

test('another file under the same name is not the one that was opened', () => {
  made('CREATE TABLE t (a INTEGER PRIMARY KEY)').close();
  const pages = openPages(file);
  assert.ok(pages !== undefined);
  assert.equal(pages.is(file), true);
  writeFileSync(`${file}.other`, 'x');
  renameSync(`${file}.other`, file);
  assert.equal(pages.is(file), false);
  pages.close();
});
