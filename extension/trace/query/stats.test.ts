// Statistics against SQL on the same file, and against each other: what a thread was off and on the CPU is all there is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { number, select } from '../../../test/fixtures/oracle.ts';
import { openStore } from '../../../test/fixtures/store.ts';
import { temporaryTrace } from '../../../test/fixtures/temporary.ts';
import { ns } from '../time.ts';
import { stats } from './stats.ts';

test('each function: count, sum and percentiles as SQL has them', t => {
  const { file } = temporaryTrace(t);
  const { functions } = stats(openStore(t, file), {});
  const truth = select(
    file,
    `SELECT f.name, count(duration_ns) AS n, sum(duration_ns) AS total, count(*) - count(duration_ns) AS open,
            sum(result NOT IN (0, 600)) AS failed
     FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id GROUP BY f.name`,
  );
  assert.equal(functions.length, truth.length);
  for (const row of truth) {
    const made = functions.find(fn => fn.function === row['name']);
    assert.ok(made !== undefined);
    assert.deepEqual(
      [made.count, made.totalNs, made.open, made.failed],
      [row['n'], row['total'], row['open'], row['failed'] ?? 0],
    );
    assert.equal(
      made.histogram.reduce((a, b) => a + b),
      made.count,
    );
    for (const [value, p] of [
      [made.p50Ns, 0.5],
      [made.p95Ns, 0.95],
      [made.p999Ns, 0.999],
      [made.maxNs, 1],
    ] as const) {
      const ranked = number(
        file,
        `SELECT duration_ns FROM cuda_call JOIN cuda_function f ON f.id = function_id
         WHERE f.name = ? AND duration_ns IS NOT NULL ORDER BY duration_ns LIMIT 1 OFFSET ?`,
        String(row['name']),
        Math.max(0, Math.ceil(p * made.count) - 1),
      );
      assert.equal(value, ranked, `${row['name']} p${p}`);
    }
  }
});

test('on the CPU and off it add up to the window, for every thread and any window', t => {
  const { file, durationNs } = temporaryTrace(t);
  const store = openStore(t, file);
  for (const [from, to] of [
    [0, 1],
    [0.1, 0.3],
    [0.5, 0.50001],
    [0.9, 1],
  ] as const) {
    const window = { startNs: ns(Math.round(from * durationNs)), endNs: ns(Math.round(to * durationNs)) };
    const made = stats(store, { window });
    assert.equal(made.threads.length, 8);
    for (const thread of made.threads) {
      const off = thread.offCpu.reduce((sum, reason) => sum + reason.blockedNs + reason.runnableNs, 0);
      assert.equal(off + thread.onCpuNs, window.endNs - window.startNs, thread.thread.name);
    }
  }
});

test('calls of a thread count once: the driver call inside a runtime call is the same call', t => {
  const { file } = temporaryTrace(t);
  const made = stats(openStore(t, file), {});
  const total = made.threads.reduce((sum, thread) => sum + thread.cudaCalls, 0);
  assert.equal(total, number(file, 'SELECT count(*) FROM cuda_call WHERE parent_id IS NULL'));
});

test("a process is found by the host's pid and by its container's; another pid says which there are", t => {
  const { file } = temporaryTrace(t);
  const store = openStore(t, file);
  assert.deepEqual(stats(store, { pid: 84201 }), stats(store, { pid: 17 }));
  assert.equal(stats(store, { pid: 90001 }).functions.length, 0);
  assert.throws(() => stats(store, { pid: 18 }), { reason: 'not_in_trace', hint: /84201 \(python3\)/ });
});

test('gaps between launches: they and the launches are the whole capture', t => {
  const { file, durationNs } = temporaryTrace(t);
  const [gap] = stats(openStore(t, file), {}).gaps;
  // The union of launches by a sweep in SQL: where nothing before reaches this far, a gap ends here.
  const idle = number(
    file,
    `WITH l AS (SELECT c.start_ns AS a, c.start_ns + ifnull(c.duration_ns, ? - c.start_ns) AS b FROM cuda_call c
                JOIN cuda_function f ON f.id = c.function_id WHERE f.category = 'launch' ORDER BY a),
          m AS (SELECT a, max(b) OVER (ORDER BY a ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM l)
     SELECT sum(max(0, a - ifnull(before, 0))) + ? - (SELECT max(b) FROM l) FROM m`,
    durationNs,
    durationNs,
  );
  assert.ok(gap !== undefined && idle > 0);
  assert.ok(Math.abs(gap.share - idle / durationNs) < 1e-12);
  const lengths = gap.longest.map(span => span.endNs - span.startNs);
  assert.deepEqual(
    lengths,
    lengths.toSorted((a, b) => b - a),
  );
});

test('loss is said, with the number that the probes counted', t => {
  const { file, lost } = temporaryTrace(t, { loss: true });
  const { belief } = stats(openStore(t, file), {});
  assert.ok(lost > 0);
  assert.equal(belief.eventsLost, lost);
  assert.equal(belief.consistent, true);
  assert.match(belief.remarks[0] ?? '', new RegExp(`^${lost} events were lost \\(cuda\\)`));
  assert.equal(belief.losses.length, 1);
  assert.equal(belief.coverage[0]?.kept, 0.25);
});
