import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { parseIntegers, readPacked } from './packed.ts';

const columns = { id: ['id', 'time'], v: ['v', 'id'] } as const;

test('integers of a text are parsed in order; what is none is refused', () => {
  const into = new Float64Array(3);
  const parse = (text: string, most = Number.MAX_SAFE_INTEGER) =>
    parseIntegers(Buffer.from(text), into, most);
  assert.equal(parse('12,-1,9007199254740991'), 3);
  assert.deepEqual([...into], [12, -1, 9_007_199_254_740_991]);
  for (const bad of ['1.5', 'a', '1,x', '9007199254740993', '12-3', '1,2,3,4'])
    assert.equal(parse(bad), -1, bad);
  assert.equal(parse('2147483647', 2 ** 31 - 1), 1);
  assert.equal(parse('2147483648', 2 ** 31 - 1), -1, 'never wrapped around');
});

test('pages join without a seam, whatever the keys are', () => {
  const db = new DatabaseSync(':memory:');
  db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
    INSERT INTO t SELECT i * 7919, nullif(i % 10, 3) FROM n`);
  const { count, id, v } = readPacked(db, 't', 'id', columns);
  assert.equal(count, 120_001);
  assert.ok(id.every((value, i) => value === i * 7919));
  assert.ok(v.every((value, i) => value === (i % 10 === 3 ? -1 : i % 10)));
  db.close();
});

test('an empty table, a negative key, a text among the integers', () => {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
  assert.equal(readPacked(db, 't', 'id', columns).count, 0);
  db.exec("INSERT INTO t VALUES (1, 'x')");
  assert.throws(() => readPacked(db, 't', 'id', columns), { reason: 'damaged' });
  db.exec('DELETE FROM t; INSERT INTO t VALUES (-5, 1)');
  assert.throws(() => readPacked(db, 't', 'id', columns), { reason: 'damaged' });
  db.close();
});
