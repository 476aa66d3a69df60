import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { number, select } from '../../../test/fixtures/oracle.ts';
import { openStore } from '../../../test/fixtures/store.ts';
import { temporaryTrace } from '../../../test/fixtures/temporary.ts';
import { ns } from '../time.ts';
import { offCpu } from './off-cpu.ts';

test('the sum in a window is the overlap, to the nanosecond', t => {
  const { file, durationNs } = temporaryTrace(t);
  const store = openStore(t, file);
  const [from, to] = [Math.round(durationNs * 0.2), Math.round(durationNs * 0.6)];
  const made = offCpu(store, { window: { startNs: ns(from), endNs: ns(to) }, limit: 3 });
  const truth = select(
    file,
    `SELECT count(*) AS n, sum(min(b, :to) - max(a, :from)) AS total FROM
       (SELECT start_ns AS a, start_ns + ifnull(duration_ns, :end - start_ns) AS b FROM off_cpu)
     WHERE a < :to AND b > :from`
      .replaceAll(':from', String(from))
      .replaceAll(':to', String(to))
      .replaceAll(':end', String(durationNs)),
  )[0];
  assert.deepEqual([made.total, made.totalNs], [truth?.['n'], truth?.['total']]);
  assert.equal(made.events.length, 3);
  const sum = made.byReason.reduce((all, reason) => all + reason.blockedNs + reason.runnableNs, 0);
  assert.equal(sum, made.totalNs);
});

test('contenders: who ran on the CPU while threads were runnable, as a join of SQL has it', t => {
  const { file } = temporaryTrace(t);
  const made = offCpu(openStore(t, file), { pid: 84201 });
  const truth = select(
    file,
    `SELECT s.thread_id AS id, sum(min(s.b, o.b) - max(s.a, o.a)) AS time FROM
       (SELECT thread_id, cpu_after AS cpu, start_ns + duration_ns - runnable_ns AS a, start_ns + duration_ns AS b
        FROM off_cpu WHERE runnable_ns > 0 AND reason_id <> (SELECT id FROM name WHERE name = 'throttled') AND thread_id IN (SELECT id FROM thread WHERE process_id = 1)) o
     JOIN (SELECT thread_id, cpu, start_ns AS a, start_ns + ifnull(duration_ns, 1e18) AS b FROM cpu_slice) s
       ON s.cpu = o.cpu AND s.a < o.b AND s.b > o.a AND s.thread_id <> o.thread_id
     GROUP BY s.thread_id ORDER BY time DESC, id`,
  );
  assert.equal(made.contenders[0]?.thread.name, 'spinner');
  assert.deepEqual(
    made.contenders.map(({ thread, timeNs }) => ({ id: thread.id, time: timeNs })),
    truth.map(row => ({ id: row['id'], time: row['time'] })),
  );
});

test('by reason and length; an unknown reason is told what there is', t => {
  const { file } = temporaryTrace(t);
  const store = openStore(t, file);
  const made = offCpu(store, { reason: 'futex', minDurationNs: ns(1_000_000), limit: 1000 });
  assert.equal(
    made.total,
    number(
      file,
      `SELECT count(*) FROM off_cpu o JOIN name n ON n.id = o.reason_id
       WHERE n.name = 'futex' AND ifnull(duration_ns, ? - start_ns) >= 1000000`,
      store.durationNs,
    ),
  );
  assert.ok(made.events.every(event => event.reason === 'futex'));
  assert.throws(() => offCpu(store, { reason: 'futx' }), { message: /did you mean "futex"/ });
});

test('an event names its waker, its object and its system call', t => {
  const { file } = temporaryTrace(t);
  const { events } = offCpu(openStore(t, file), { reason: 'pipe' });
  const [event] = events;
  assert.ok(event !== undefined);
  assert.equal(event.waker?.name, 'worker-1');
  assert.equal(event.wakerContext, 'task');
  assert.equal(event.syscall, 'read');
  assert.equal(event.object, 'pipe pipe:[88123]');
});

test('nobody contends with themselves, even where a lost switch makes a slice too long', t => {
  const { file } = temporaryTrace(t);
  const db = new DatabaseSync(file);
  db.exec('UPDATE cpu_slice SET duration_ns = duration_ns + 3000000 WHERE thread_id = 7');
  db.close();
  const { contenders } = offCpu(openStore(t, file), { pid: 90001 });
  assert.ok(contenders.length > 0 && contenders.every(({ thread }) => thread.process !== 'spinner'));
});
