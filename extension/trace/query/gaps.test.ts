// Launches of several threads at once, in every position to each other: the gaps are what none of them covers.

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openStore } from '../../../test/fixtures/store.ts';
import { temporaryTrace } from '../../../test/fixtures/temporary.ts';
import { ns } from '../time.ts';
import { launchGaps } from './gaps.ts';

test('a launch inside another thread’s longer one does not end it', t => {
  const { file, durationNs } = temporaryTrace(t, { events: 500 });
  const db = new DatabaseSync(file);
  db.exec('PRAGMA foreign_keys = OFF; DELETE FROM cuda_call');
  const launch = Number(
    db.prepare("SELECT id FROM cuda_function WHERE name = 'cudaLaunchKernel'").get()?.['id'],
  );
  const threads = db.prepare('SELECT id FROM thread WHERE process_id = 1 ORDER BY id LIMIT 3').all();
  const calls = [
    [0, 1_000, 9_000],
    [1, 2_000, 3_000],
    [2, 8_000, 12_000],
    [0, 20_000, 21_000],
    [1, 21_000, 30_000],
  ] as const;
  for (const [i, [thread, from, to]] of calls.entries()) {
    db.prepare(
      'INSERT INTO cuda_call (id, thread_id, function_id, start_ns, duration_ns) VALUES (?, ?, ?, ?, ?)',
    ).run(i + 1, threads[thread]?.['id'] ?? 0, launch, from, to - from);
  }
  db.close();
  const store = openStore(t, file);
  const [gap] = launchGaps(store, { startNs: ns(0), endNs: ns(40_000) }, store.indexesOf({}));
  assert.ok(durationNs > 40_000 && gap !== undefined);
  assert.deepEqual(
    gap.longest.map(({ startNs, endNs }) => [startNs, endNs]),
    [
      [30_000, 40_000],
      [12_000, 20_000],
      [0, 1_000],
    ],
  );
  assert.ok(Math.abs(gap.share - 19 / 40) < 1e-12);
});
