import assert from 'node:assert/strict';
import { test } from 'node:test';
import { number } from '../../../test/fixtures/oracle.ts';
import { openStore } from '../../../test/fixtures/store.ts';
import { temporaryTrace } from '../../../test/fixtures/temporary.ts';
import { ns } from '../time.ts';
import { slices } from './slices.ts';
import { tracks } from './tracks.ts';

test('tracks hold every event of the file', t => {
  const { file, rows } = temporaryTrace(t);
  const list = tracks(openStore(t, file));
  const sum = (kind: string) =>
    list.filter(track => track.kind === kind).reduce((n, track) => n + track.events, 0);
  assert.deepEqual([sum('cuda'), sum('off_cpu'), sum('cpu')], [rows.cuda_call, rows.off_cpu, rows.cpu_slice]);
  assert.deepEqual(
    new Set(list.filter(track => track.kind === 'cuda').map(track => track.depth)),
    new Set([2]),
  );
});

test('at full resolution the picture is the table; zoomed out it counts all and stays small', t => {
  const { file, durationNs } = temporaryTrace(t);
  const store = openStore(t, file);
  const window = { startNs: ns(0), endNs: ns(durationNs) };
  const fine = slices(store, { tracks: ['cuda:2', 'off_cpu:2'], window, resolutionNs: 1 });
  const [calls, waits] = fine.tracks;
  assert.equal(calls?.startNs.length, number(file, 'SELECT count(*) FROM cuda_call WHERE thread_id = 2'));
  assert.deepEqual(
    [...(calls?.startNs ?? [])],
    [...(calls?.startNs ?? [])].sort((a, b) => a - b),
  );
  assert.equal(
    waits?.runnableNs.reduce((a, b) => a + b, 0),
    number(file, 'SELECT sum(runnable_ns) FROM off_cpu WHERE thread_id = 2'),
  );
  assert.equal(fine.labels[calls?.label[0] ?? -1], 'cudaMemcpyAsync');
  assert.equal(fine.palette[calls?.colour[0] ?? -1], 'copy');

  const pixels = 100;
  const coarse = slices(store, { tracks: ['cuda:2'], window, resolutionNs: durationNs / pixels }).tracks[0];
  assert.equal(
    coarse?.count.reduce((a, b) => a + b, 0),
    calls?.startNs.length,
  );
  for (const depth of [0, 1]) {
    assert.ok((coarse?.depth.filter(d => d === depth).length ?? 0) <= 2 * pixels + 2);
  }
});

test('zoomed out, what is drawn and what is too short to draw are together the time of the file', t => {
  const { file, durationNs } = temporaryTrace(t);
  const store = openStore(t, file);
  const window = { startNs: ns(0), endNs: ns(durationNs) };
  for (const pixels of [40, 700]) {
    const { tracks: made, palette } = slices(store, {
      tracks: ['off_cpu:2'],
      window,
      resolutionNs: durationNs / pixels,
    });
    const [track] = made;
    const short = track?.short;
    assert.ok(track !== undefined && short !== undefined);
    if (pixels < 100) assert.ok(short.startNs.length > 0, 'something is too short to draw');
    const blocked = new Map<string, number>();
    let runnable = 0;
    const add = (reason: string | undefined, timeNs: number): void => {
      blocked.set(reason ?? '?', (blocked.get(reason ?? '?') ?? 0) + timeNs);
    };
    track.startNs.forEach((start, i) => {
      const length = (track.endNs[i] ?? 0) - start;
      if (length < short.bucketNs) return;
      add(palette[track.colour[i] ?? -1], length - (track.runnableNs[i] ?? 0));
      runnable += track.runnableNs[i] ?? 0;
    });
    short.startNs.forEach((start, i) => {
      assert.equal(start % short.bucketNs, 0);
      assert.ok((short.blockedNs[i] ?? 0) + (short.runnableNs[i] ?? 0) <= short.bucketNs);
      add(palette[short.colour[i] ?? -1], short.blockedNs[i] ?? 0);
      runnable += short.runnableNs[i] ?? 0;
    });
    const own = `coalesce(duration_ns, ${durationNs} - start_ns)`;
    for (const [reason, timeNs] of blocked) {
      assert.equal(
        timeNs,
        number(
          file,
          `SELECT sum(${own} - coalesce(runnable_ns, 0)) FROM off_cpu o JOIN name n ON n.id = o.reason_id WHERE thread_id = 2 AND n.name = '${reason}'`,
        ),
        reason,
      );
    }
    assert.equal(runnable, number(file, 'SELECT sum(runnable_ns) FROM off_cpu WHERE thread_id = 2'));
  }
});

test('a track that is not there is said', t => {
  const { file, durationNs } = temporaryTrace(t, { events: 500 });
  const query = {
    tracks: ['cuda:99'] as const,
    window: { startNs: ns(0), endNs: ns(durationNs) },
    resolutionNs: 1,
  };
  assert.throws(() => slices(openStore(t, file), query), { reason: 'not_in_trace' });
});
