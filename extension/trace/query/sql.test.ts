import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../../test/fixtures/store.ts';
import { temporaryTrace } from '../../../test/fixtures/temporary.ts';
import type { TraceErrorReason } from '../api.ts';
import { sql } from './sql.ts';

test('values arrive as they are: integers beyond 2^53 as text, blobs as hex, NULL', t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const made = sql(openStore(t, file), {
    query:
      "SELECT 1 AS a, 9007199254740993 AS b, -9223372036854775808 AS c, 0.5 AS d, x'00ff' AS e, NULL AS f, 'x' AS g",
  });
  assert.deepEqual(made, {
    columns: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
    rows: [[1, '9007199254740993', '-9223372036854775808', 0.5, "x'00ff'", null, 'x']],
    truncated: false,
  });
});

test('rows and bytes are capped, and the cut is said', t => {
  const { file, rows } = temporaryTrace(t);
  const store = openStore(t, file);
  assert.equal(sql(store, { query: 'SELECT id FROM cuda_call' }).rows.length, 1000);
  assert.equal(sql(store, { query: 'SELECT id FROM cuda_call' }).truncated, true);
  const all = sql(store, { query: 'SELECT id FROM cuda_call', limit: rows.cuda_call });
  assert.deepEqual([all.rows.length, all.truncated], [rows.cuda_call, false], 'exactly as many is no cut');
  const wide = sql(store, { query: "SELECT printf('%.*c', 200000, 'x') FROM cuda_call" });
  assert.ok(wide.truncated && JSON.stringify(wide.rows).length < 1_300_000);
});

const refused: readonly [query: string, reason: TraceErrorReason, says: RegExp][] = [
  ["INSERT INTO meta VALUES ('a', '1')", 'refused', /^INSERT is not allowed/],
  ["WITH x AS (SELECT 1) INSERT INTO meta SELECT 'a', '1'", 'refused', /^INSERT is not allowed/],
  ['DROP TABLE meta', 'refused', /^DROP is not allowed/],
  ["ATTACH 'x.db' AS x", 'refused', /^ATTACH is not allowed/],
  ["VACUUM INTO 'x.db'", 'refused', /^VACUUM is not allowed/],
  ['/* hello */ VACUUM', 'refused', /^VACUUM is not allowed/],
  ['PRAGMA writable_schema = 1', 'refused', /^PRAGMA writable_schema is not allowed/],
  ["SELECT load_extension('x')", 'refused', /^The function load_extension is not allowed/],
  ['SELECT 1; SELECT 2', 'refused', /more than one statement/],
  ['SELECT 1; DROP TABLE meta', 'refused', /more than one statement/],
  ["SELECT ';'; --\n SELECT 2", 'refused', /more than one statement/],
  ['', 'bad_query', /empty/],
  ['  -- nothing', 'bad_query', /empty/],
  ['SELEC 1', 'bad_query', /syntax error/],
  ['SELECT * FROM cuda_cals', 'bad_query', /no such table: cuda_cals/],
  ['SELECT durtion_ns FROM cuda_calls', 'bad_query', /no such column/],
  ['SELECT zeroblob(1000000000)', 'refused', /more than 16 MiB/],
  ["SELECT printf('%.*c', 1000000000, 'x')", 'refused', /more than 16 MiB/],
  ['SELECT "no such column"', 'bad_query', /no such column/],
];

for (const [query, reason, says] of refused) {
  test(`${reason}: ${query}`, t => {
    const { file } = temporaryTrace(t, { events: 500 });
    const store = openStore(t, file);
    assert.throws(() => sql(store, { query }), { reason, message: says });
    assert.deepEqual(sql(store, { query: 'SELECT 2' }).rows, [[2]], 'the next one is answered');
  });
}

const allowed = [
  'SELECT 1;',
  ' SELECT 1 ; -- done',
  'SELECT 1 /* and more; */ ;',
  '-- first\nSELECT 1',
  "SELECT ';' AS a",
  "SELECT name FROM pragma_table_info('probe')",
  'EXPLAIN QUERY PLAN SELECT 1',
  'VALUES (1)',
];

for (const query of allowed) {
  test(`answered: ${JSON.stringify(query)}`, t => {
    const { file } = temporaryTrace(t, { events: 500 });
    assert.ok(sql(openStore(t, file), { query }).rows.length > 0);
  });
}

test('a wrong name is told the right one', t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const store = openStore(t, file);
  assert.throws(() => sql(store, { query: 'SELECT * FROM off_cpu_event' }), {
    hint: /off_cpu_events\(id, pid/,
  });
  assert.throws(() => sql(store, { query: 'SELECT runable_ns FROM off_cpu' }), {
    hint: /runnable_ns, a column of off_cpu/,
  });
});
