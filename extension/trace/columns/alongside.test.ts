// Stacks beside rows that are already there, against SQL; also where a file's ids do not ascend with time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { alongside } from './alongside.ts';
import { columnsOf } from './index.ts';

test('each row has its own stack, whatever the order of ids, and a row left out has none', () => {
  const trace = new FixtureTrace(1000);
  const [a, b] = [trace.thread('a', { cpu: 0 }), trace.thread('b', { cpu: 1 })];
  for (const at of [100, 200, 300]) trace.waits(a, { from: at, ran: at + 50, stack: [`a${at}`] });
  trace.waits(b, { from: 500, ran: 600, stack: ['b500'] });
  trace.waits(b, { from: 700, ran: 800 });
  const db = trace.database();
  // Ids against time, and one row whose time nobody can believe.
  db.exec('UPDATE off_cpu SET id = 1000 - id; UPDATE off_cpu SET duration_ns = -1 WHERE start_ns = 200000');
  const { offCpu, threads } = columnsOf(db);
  const [stacks] = alongside(db, 'off_cpu', ['stack_id'], offCpu, threads);
  const truth = db
    .prepare('SELECT id, coalesce(stack_id, -1) AS stack FROM off_cpu WHERE duration_ns > 0')
    .all()
    .map(row => [row['id'], row['stack']]);
  const found = Array.from(stacks ?? [], (stack, row) => [offCpu.id[row], stack]);
  const byId = (one: readonly unknown[], other: readonly unknown[]) => Number(one[0]) - Number(other[0]);
  assert.deepEqual(found.sort(byId), truth.sort(byId));
  assert.equal(found.length, 4);
});
