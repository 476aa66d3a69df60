// The pages against SQLite itself: what it wrote is read the same, and what nobody wrote is refused, never believed.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { TraceError } from '../error.ts';
import { keepPages, openPages } from './file.ts';
import { type Question, scan } from './scan.ts';

const folder = mkdtempSync(join(tmpdir(), 'wakechain-pages-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Integers of every length that SQLite stores, and the edges between them. */
const integers = fc.oneof(
  fc.constantFrom(
    0,
    1,
    -1,
    127,
    128,
    -128,
    -129,
    32767,
    32768,
    8388607,
    8388608,
    -8388609,
    2 ** 31 - 1,
    2 ** 31,
  ),
  fc.constantFrom(-(2 ** 31), 2 ** 47 - 1, 2 ** 47, -(2 ** 47) - 1, 2 ** 53 - 1, 1 - 2 ** 53),
  fc.integer(),
);
const beyond = fc.constantFrom(2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n));
const cell = fc.oneof(integers, fc.constant(null), beyond, fc.double(), fc.string({ maxLength: 20 }));
/** Long enough for one overflow page, and for several. */
const note = fc.oneof(
  fc.constant(null),
  fc.constantFrom('{"inferred":true}', '{"inferred":false}', 'x'.repeat(200)),
  fc.tuple(fc.nat(9000), fc.boolean()).map(([n, yes]) => `${'y'.repeat(n)}${yes ? '{"inferred":true}' : ''}`),
);
const rows = fc.array(fc.tuple(integers, integers, cell, note, cell), { maxLength: 120, size: 'max' });

const questions: readonly Question[] = [
  { table: 'plain', columns: ['last', 'id', 'a'], contains: { column: 'note', text: '"inferred":true' } },
  { table: 'plain', columns: ['b'] },
  { table: 'bare', columns: ['start', 'cpu', 'last'], contains: { column: 'note', text: 'yyy' } },
];

function written(pageSize: number, rows: readonly (readonly unknown[])[]): DatabaseSync {
  const file = join(folder, 'case.db');
  rmSync(file, { force: true });
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE plain (a, id INTEGER PRIMARY KEY, b, note TEXT);
    CREATE TABLE bare (note TEXT, last, start INTEGER, cpu INTEGER, PRIMARY KEY (cpu, start)) WITHOUT ROWID;
    BEGIN`);
  const plain = db.prepare('INSERT OR IGNORE INTO plain VALUES (?, ?, ?, ?)');
  const bare = db.prepare('INSERT OR IGNORE INTO bare VALUES (?, ?, ?, ?)');
  for (const [id, cpu, value, text, other] of rows) {
    plain.run(value as never, id as never, other as never, text as never);
    bare.run(text as never, value as never, id as never, cpu as never);
  }
  // Rows written before a column was added do not have it.
  db.exec(
    'COMMIT; ALTER TABLE plain ADD COLUMN last INTEGER; INSERT OR IGNORE INTO plain VALUES (1, 77, 2, NULL, 3)',
  );
  return db;
}

/** As text: a comparison of long arrays that differ takes minutes to say where. */
const answers = (db: DatabaseSync): string[] =>
  questions.map(question => {
    const all: string[] = [];
    scan(db, question, cells => all.push(cells.join(' ')));
    return all.join('\n');
  });

test('the same cells in the same order as SQLite gives them, whatever is stored', () => {
  fc.assert(
    fc.property(fc.constantFrom(512, 4096, 65_536), rows, (pageSize, rows) => {
      const db = written(pageSize, rows);
      const expected = answers(db);
      const pages = openPages(join(folder, 'case.db'));
      assert.ok(pages !== undefined);
      keepPages(db, pages);
      try {
        assert.deepEqual(answers(db), expected);
      } finally {
        pages.close();
        db.close();
      }
    }),
    { numRuns: 150 },
  );
});

test('many pages, in order', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => [i * 7, i % 5, i, null, i]);
  const db = written(1024, many);
  const expected = answers(db);
  const pages = openPages(join(folder, 'case.db'));
  assert.ok(pages !== undefined && pages.pages > 500);
  keepPages(db, pages);
  assert.deepEqual(answers(db), expected);
  pages.close();
  db.close();
});

test('pages that were overwritten are refused as damaged, or read: never a hang, never another error', () => {
  const many = Array.from({ length: 2_000 }, (_, i) => [
    i * 7,
    i % 5,
    i,
    i % 50 === 0 ? 'z'.repeat(3000) : null,
    i,
  ]);
  const sound = written(512, many);
  sound.close();
  const file = join(folder, 'case.db');
  const bytes = readFileSync(file);
  const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 400 });
  let refused = 0;
  fc.assert(
    fc.property(damage, writes => {
      const copy = Buffer.from(bytes);
      // The first page is SQLite's own: without it there is no table to ask for.
      for (const [at, value] of writes) if (at >= 512) copy[at] = value;
      writeFileSync(file, copy);
      const pages = openPages(file);
      assert.ok(pages !== undefined);
      const db = new DatabaseSync(file, { readOnly: true });
      keepPages(db, pages);
      for (const question of questions) {
        let seen = 0;
        try {
          scan(db, question, () => seen++);
        } catch (error) {
          assert.ok(error instanceof TraceError, String(error));
          assert.equal(error.reason, 'damaged');
          refused++;
        }
        assert.ok(seen < 1_000_000);
      }
      pages.close();
      db.close();
    }),
    { numRuns: 100 },
  );
  assert.ok(refused > 0, 'some damage was met');
});

/** Row ids 0 to 1999 in 512-byte pages, after `change` was made to the file; `root` is an inner page, `leaf` its first child. */
function plainAfter(
  t: { after(cleanUp: () => void): void },
  change: (bytes: Buffer, root: number, leaf: number) => void,
): DatabaseSync {
  const sound = written(
    512,
    Array.from({ length: 2_000 }, (_, i) => [i, 0, i, null, i]),
  );
  const root = Number(
    sound.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'plain'").get()?.['rootpage'],
  );
  sound.close();
  const file = join(folder, 'case.db');
  const bytes = readFileSync(file);
  let page = (root - 1) * 512;
  assert.equal(bytes[page], 5, 'an inner page');
  // The first cell of an inner page begins with the number of its first child.
  while (bytes[page] === 5) page = (bytes.readUInt32BE(page + bytes.readUInt16BE(page + 12)) - 1) * 512;
  assert.equal(bytes[page], 13, 'a leaf');
  change(bytes, (root - 1) * 512, page);
  writeFileSync(file, bytes);
  const pages = openPages(file);
  assert.ok(pages !== undefined);
  const db = new DatabaseSync(file, { readOnly: true });
  keepPages(db, pages);
  t.after(() => {
    pages.close();
    db.close();
  });
  return db;
}

const faults: readonly {
  readonly what: string;
  readonly message: RegExp;
  readonly change: (bytes: Buffer, root: number, leaf: number) => void;
}[] = [
  {
    what: 'a first child that is its own parent',
    message: /circle/,
    change: (bytes, root) => bytes.writeUInt32BE(root / 512 + 1, root + bytes.readUInt16BE(root + 12)),
  },
  {
    what: 'a last child that is its own parent',
    message: /where none belongs/,
    change: (bytes, root) => bytes.writeUInt32BE(root / 512 + 1, root + 8),
  },
  {
    what: 'a row that is there twice',
    message: /not in order/,
    change: (bytes, _, leaf) => bytes.copyWithin(leaf + 10, leaf + 8, leaf + 10),
  },
  {
    what: 'two rows that have changed places',
    message: /not in order/,
    change: (bytes, _, leaf) => {
      const [one, other] = [bytes.readUInt16BE(leaf + 8), bytes.readUInt16BE(leaf + 10)];
      bytes.writeUInt16BE(other, leaf + 8);
      bytes.writeUInt16BE(one, leaf + 10);
    },
  },
  {
    what: 'a page of an index among those of a table',
    message: /another kind/,
    change: (bytes, _, leaf) => bytes.writeUInt8(10, leaf),
  },
  {
    what: 'a page that lost its rows',
    message: /where none belongs/,
    change: (bytes, _, leaf) => bytes.writeUInt16BE(0, leaf + 3),
  },
  {
    what: 'a page whose rows would lie beyond it',
    message: /more rows than fit/,
    change: (bytes, _, leaf) => bytes.writeUInt16BE(60_000, leaf + 3),
  },
  {
    what: 'a page that is not there',
    message: /not there/,
    change: (bytes, root) => bytes.writeUInt32BE(0x7fffffff, root + 8),
  },
];

for (const { what, message, change } of faults) {
  test(`refused: ${what}`, t => {
    const db = plainAfter(t, change);
    assert.throws(() => scan(db, { table: 'plain', columns: ['id'] }, () => undefined), {
      reason: 'damaged',
      message,
    });
  });
}
