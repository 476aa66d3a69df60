// Opening a trace changes nothing and trusts nothing in it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryTrace } from '../../test/fixtures/temporary.ts';
import { TraceError } from './error.ts';
import { openDatabase } from './open.ts';
import { readSchema } from './schema.ts';

const schema = readSchema(readFileSync(new URL('../../collector/schema.sql', import.meta.url), 'utf8'));

test('a trace that was read is the same file, and nothing stands beside it', t => {
  const { file, rows } = temporaryTrace(t);
  const before = { hash: sha256(file), time: statSync(file).mtimeMs, files: readdirSync(dirname(file)) };
  const { db } = openDatabase(file, schema);
  assert.equal(db.prepare('SELECT count(*) AS n FROM cuda_calls').get()?.['n'], rows.cuda_call);
  assert.equal(db.prepare('SELECT count(*) AS n FROM temp.off_cpu_events').get()?.['n'], rows.off_cpu);
  assert.deepEqual(readdirSync(dirname(file)), before.files, 'while it is open');
  db.close();
  assert.deepEqual(
    { hash: sha256(file), time: statSync(file).mtimeMs, files: readdirSync(dirname(file)) },
    before,
  );
});

const forbidden: readonly [sql: string, refused: string][] = [
  ["INSERT INTO meta VALUES ('a', '1')", 'INSERT'],
  ["UPDATE meta SET value = '1'", 'UPDATE'],
  ['DELETE FROM meta', 'DELETE'],
  ['DROP TABLE meta', 'DELETE'],
  ['CREATE TABLE t (a)', 'INSERT'],
  ['CREATE TEMP TABLE t (a)', 'INSERT'],
  ["ATTACH 'other.db' AS other", 'ATTACH'],
  ["VACUUM INTO 'copy.db'", 'ATTACH'],
  ['PRAGMA writable_schema = 1', 'PRAGMA writable_schema'],
  ['PRAGMA query_only = 0', 'PRAGMA query_only'],
  ['PRAGMA trusted_schema = 1', 'PRAGMA trusted_schema'],
  ['SELECT * FROM pragma_database_list', 'PRAGMA database_list'],
  ['BEGIN', 'TRANSACTION'],
  ['SAVEPOINT s', 'SAVEPOINT'],
  ['ANALYZE', 'INSERT'],
  ['REINDEX', 'REINDEX'],
  ["SELECT load_extension('x')", 'The function load_extension'],
];

for (const [sql, refused] of forbidden) {
  test(`refused: ${sql}`, t => {
    const { file } = temporaryTrace(t, { events: 500 });
    const before = readdirSync(dirname(file));
    const { db, guard } = openDatabase(file, schema);
    t.after(() => db.close());
    assert.throws(() => db.prepare(sql).all());
    assert.equal(guard.takeRefusal(), refused);
    assert.equal(guard.takeRefusal(), undefined);
    assert.deepEqual(readdirSync(dirname(file)), before);
  });
}

test('what a file says its views are is not believed', t => {
  const { file, rows } = temporaryTrace(t);
  edit(file, "DROP VIEW cuda_calls; CREATE VIEW cuda_calls AS SELECT 'never' AS id, 7 AS duration_ns");
  const { db } = openDatabase(file, schema);
  t.after(() => db.close());
  assert.equal(db.prepare('SELECT count(*) AS n FROM cuda_calls').get()?.['n'], rows.cuda_call);
});

const hostile: readonly [name: string, sql: string, says: RegExp][] = [
  ['a table is missing', 'DROP TABLE loss', /the table loss is missing/],
  [
    'a view instead of a table',
    'DROP TABLE loss; CREATE VIEW loss AS SELECT 1 AS events',
    /loss is not a strict table/,
  ],
  ['a column is missing', 'ALTER TABLE probe DROP COLUMN missed', /probe has no column missed/],
  [
    'a table that takes any type',
    'DROP TABLE loss; CREATE TABLE loss (start_ns, duration_ns, class, cpu, source, events)',
    /loss is not a strict table/,
  ],
];

for (const [name, sql, says] of hostile) {
  test(`damaged: ${name}`, t => {
    const { file } = temporaryTrace(t, { events: 500 });
    edit(file, sql);
    assert.throws(
      () => openDatabase(file, schema),
      (error: unknown) =>
        error instanceof TraceError && error.reason === 'damaged' && says.test(error.message),
    );
  });
}

test('damaged: overwritten pages are found, and the error says so', t => {
  const { file } = temporaryTrace(t);
  const content = readFileSync(file);
  // Everything but the header's page: the schema reads well, the tables do not.
  content.fill(0xa5, 4096 * 4);
  writeFileSync(file, content);
  assert.throws(() => {
    const { db } = openDatabase(file, schema);
    try {
      db.prepare('SELECT count(*) FROM cuda_call').all();
    } finally {
      db.close();
    }
  }, /malformed|damaged|corrupt/);
});

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function edit(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}
