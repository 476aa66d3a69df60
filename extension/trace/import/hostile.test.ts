// Files that are no good: refused with a sentence that says what is allowed, or imported as far as they can be believed,
// with a count of what was not.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { generate } from '../../../test/fixtures/generate.ts';
import { writeIngero } from '../../../test/fixtures/ingero.ts';
import type { TraceErrorReason } from '../api.ts';
import { findCauses } from '../causes/index.ts';
import { TraceError } from '../error.ts';
import { openDatabase } from '../open.ts';
import { belief } from '../query/belief.ts';
import { claims } from '../query/claims.ts';
import { Store } from '../query/store.ts';
import { readSchema } from '../schema.ts';
import { importForeign, recognise } from './index.ts';

const schema = readSchema(readFileSync(new URL('../../../collector/schema.sql', import.meta.url), 'utf8'));
const scratch = mkdtempSync(join(tmpdir(), 'wakechain-hostile-'));
after(() => rmSync(scratch, { recursive: true }));

let files = 0;
function fresh(): { readonly file: string; readonly work: string; readonly target: string } {
  files += 1;
  const file = join(scratch, `${files}.db`);
  return { file, work: mkdtempSync(join(scratch, 'work-')), target: join(scratch, `${files}.wakechain.db`) };
}

function edited(sql: string): ReturnType<typeof fresh> {
  const made = fresh();
  writeIngero(made.file, { version: '0.10', rounds: 10 });
  run(made.file, sql);
  return made;
}

function run(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.function('long', () => `${'x'.repeat(999_999)}\u001b[31m\u0000\u202e`);
  db.exec(sql);
  db.close();
}

const refused: readonly [
  name: string,
  reason: TraceErrorReason,
  says: RegExp,
  make: (file: string) => void,
][] = [
  ['a text', 'not_a_database', /not a SQLite database/, file => writeFileSync(file, 'events, sources, ops')],
  [
    'the database of another tool',
    'foreign',
    /neither a trace of Wakechain nor one of Ingero: it has no table events/,
    file => run(file, 'CREATE TABLE kernels (id INTEGER)'),
  ],
  [
    'a table events of somebody else',
    'foreign',
    /it has no table sources/,
    file => run(file, 'CREATE TABLE events (id INTEGER, timestamp INTEGER)'),
  ],
  [
    'a view that is called events',
    'foreign',
    /it has no table events/,
    file => run(file, 'CREATE TABLE sources (a); CREATE TABLE ops (a); CREATE VIEW events AS SELECT 1 AS op'),
  ],
  [
    'events without a duration',
    'foreign',
    /its table events has no column duration/,
    file => {
      writeIngero(file, { rounds: 2 });
      run(file, 'ALTER TABLE events DROP COLUMN duration');
    },
  ],
  [
    'a trace of our own',
    'foreign',
    /is a trace of Wakechain already/,
    file => void generate(file, { events: 100 }),
  ],
  [
    'cut short',
    'truncated',
    /incomplete/,
    file => {
      writeIngero(file, { rounds: 20 });
      truncateSync(file, 8192);
    },
  ],
  ['empty', 'empty', /is empty/, file => writeFileSync(file, '')],
];

for (const [name, reason, says, make] of refused) {
  test(`refused: ${name}`, async () => {
    const { file, work, target } = fresh();
    make(file);
    const right = (error: unknown): boolean => {
      assert.ok(error instanceof TraceError, String(error));
      assert.equal(error.reason, reason);
      assert.match(error.message, says);
      assert.ok(error.hint !== undefined, 'says what to do');
      return true;
    };
    assert.throws(() => recognise(file, work), right);
    await assert.rejects(
      importForeign({ path: file, work, file: target }, schema, async () => {}),
      right,
    );
  });
}

test('overwritten pages: a sentence that names the file, not ours', async () => {
  const { file, work, target } = edited('SELECT 1');
  const content = readFileSync(file);
  content.fill(0xa5, 4096 * 3);
  writeFileSync(file, content);
  await assert.rejects(
    importForeign({ path: file, work, file: target }, schema, async () => {}),
    (error: unknown) =>
      error instanceof TraceError && error.reason === 'damaged' && /^\d+\.db is damaged/.test(error.message),
  );
});

/** Imports, opens and asks everything of it. */
async function read(made: ReturnType<typeof fresh>) {
  const meta = await importForeign(
    { path: made.file, work: made.work, file: made.target },
    schema,
    async () => {},
  );
  const store = new Store(openDatabase(made.target, schema));
  const all = { meta, belief: belief(store), claims: claims(store), store };
  findCauses(store.db, {}, all.belief);
  return all;
}

const FIRST = '(SELECT rowid FROM events ORDER BY timestamp LIMIT 1)';
const oddities: readonly [name: string, sql: string, lost: number][] = [
  ['a negative time', `UPDATE events SET timestamp = -5 WHERE rowid = ${FIRST}`, 1],
  ['a time of 1970', `UPDATE events SET timestamp = 5 WHERE rowid = ${FIRST}`, 1],
  ['the largest time', `UPDATE events SET timestamp = 9223372036854775807 WHERE rowid = ${FIRST}`, 1],
  ['a negative duration', `UPDATE events SET duration = -1 WHERE rowid = ${FIRST}`, 1],
  ['an endless duration', `UPDATE events SET duration = 9223372036854775807 WHERE rowid = ${FIRST}`, 1],
  ['a text for a time', `UPDATE events SET timestamp = 'noon' WHERE rowid = ${FIRST}`, 1],
  ['a blob for a process', `UPDATE events SET pid = x'00' WHERE rowid = ${FIRST}`, 1],
  ['a negative process', `UPDATE events SET pid = -1 WHERE rowid = ${FIRST}`, 1],
  ['half a source', `UPDATE events SET source = 1.5 WHERE rowid = ${FIRST}`, 1],
  ['huge numbers', 'UPDATE events SET arg0 = -9223372036854775808, arg1 = 9223372036854775807', 0],
  ['texts for numbers', "UPDATE events SET arg0 = 'a', ret_code = 'b', stack_hash = 'c', gpu_id = 'd'", 0],
  ['numbers nobody knows', 'UPDATE events SET source = 77, op = 123456789', 0],
  ['every call crosses the next', 'UPDATE events SET duration = 700000 WHERE source IN (1, 4)', 0],
];

for (const [name, sql, lost] of oddities) {
  test(`imported but for ${lost} rows: ${name}`, async () => {
    const made = edited(sql);
    const { meta, belief, store } = await read(made);
    const { rows, imported } = meta.rows.events;
    assert.equal(imported, rows - lost);
    const said = belief.remarks.some(remark => remark.startsWith(`${lost} of ${rows} rows of events`));
    assert.equal(said, lost > 0);
    assert.ok(store.durationNs < 3600e9, 'one row does not stretch the trace');
    store.db.close();
  });
}

test('strings of a megabyte with control characters are cut, and shown without them', async () => {
  const made = edited(
    `UPDATE causal_chains SET summary = long(), id = id || long(), timeline = long();
     UPDATE process_names SET name = long(); UPDATE stack_traces SET frames = '[{"s":"' || long() || '"}]';
     UPDATE events SET comm = long(), node = 'gpu-1' WHERE rowid < 20; UPDATE sessions SET kernel = long()`,
  );
  const { claims, store, meta } = await read(made);
  assert.equal(meta.rows.events.imported, meta.rows.events.rows);
  assert.equal(claims.total, 6);
  const shown = JSON.stringify([claims, [...store.processes.values()], store.metaText('kernel')]);
  assert.doesNotMatch(shown, /[\u0000-\u0008\u001b\u202e]|\\u00(?:00|1b)/);
  assert.ok(shown.length < 40_000, `${shown.length}`);
  const longest = store.db.prepare('SELECT max(length(details)) AS n FROM instant').get()?.['n'];
  assert.ok(Number(longest) < 64_000, String(longest));
  store.db.close();
});

const without: readonly string[] = [
  ...['causal_chains', 'stack_traces', 'system_snapshots', 'sessions', 'process_names'],
  ...['event_aggregates', 'cgroup_metadata', 'annotations', 'schema_info'],
];

test('tables that are not there are done without, and named', async () => {
  const made = edited(without.map(table => `DROP TABLE ${table};`).join(''));
  const { meta, claims, store } = await read(made);
  assert.equal(meta.rows.events.imported, meta.rows.events.rows);
  assert.equal(meta.schema, undefined);
  assert.deepEqual(meta.missing, [
    ...['causal_chains', 'stack_traces', 'process_names', 'sessions', 'event_aggregates'],
  ]);
  assert.equal(claims.total, 0);
  assert.equal(claims.headline, undefined);
  store.db.close();
});

test('no event at all: a trace of the session', async () => {
  const made = edited('DELETE FROM events');
  const { meta, claims, store } = await read(made);
  assert.equal(meta.rows.events.imported, 0);
  assert.ok(claims.claims.every(({ reading }) => reading.verdict === 'cannot_check'));
  assert.ok(store.durationNs > 0);
  store.db.close();
});

test('nothing but empty tables: an empty trace that opens', async () => {
  const made = edited(['events', ...without].map(table => `DELETE FROM ${table};`).join(''));
  const { store } = await read(made);
  assert.ok(store.durationNs >= 0);
  store.db.close();
});
