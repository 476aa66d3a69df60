// What was recorded and could not be brought here stays on the host, the outcome says where, and it can be fetched later:
// full disks on either side, a connection that breaks, over a real sshd with a small /var/tmp of its own.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Kept } from '../../extension/capture/outcome.ts';
import { startWorkload } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { assertCaptured, assertFailed, CaptureBench, killSessions, type Run } from './bench.ts';
import { whyNoServer } from './harness.ts';

const skip = whyNoServer() ?? false;
const ROOM = 256 << 20;

describe('a recording that has to stay on its host', { skip }, () => {
  let bench: CaptureBench;
  before(async () => {
    bench = await CaptureBench.open({ varTmpBytes: ROOM });
  });
  after(() => bench?.close());
  beforeEach(() => {
    bench.begin();
    bench.server.resizeVarTmp(ROOM);
  });

  const keptOf = (run: Run): Kept => assertFailed(run).kept ?? assert.fail(`nothing was kept\n${run.log}`);

  /** As the folder is called on the host, seen from here. */
  const seen = (kept: Kept): string => join(bench.server.varTmp, kept.folder.replace('/var/tmp/', ''));

  async function assertFetched(kept: Kept): Promise<void> {
    const outcome = assertCaptured(await bench.runFetch(kept));
    const trace = new TraceFile(outcome.file);
    assert.ok(trace.number('SELECT count(*) FROM off_cpu') > 0);
    trace.close();
    assert.deepEqual(outcome.leftovers, []);
    await bench.assertNothingRuns();
  }

  test('the disk of the host fills up', async () => {
    const run = await bench.runCapture({
      // Room enough to begin with, or the check of the host would refuse.
      onReport: ({ live }) => {
        if (live && live.events > 0) bench.server.resizeVarTmp(512 << 10);
      },
    });
    const failed = assertFailed(run);
    assert.match(failed.error.message, /full/);
    const kept = keptOf(run);
    assert.deepEqual(readdirSync(seen(kept)), ['trace.wakechain.db.spool']);
    // Still no room: it says so again, and still keeps it.
    assert.deepEqual(keptOf(await bench.runFetch(kept)), kept);
    bench.server.resizeVarTmp(ROOM);
    await assertFetched(kept);
  });

  test('the disk of this machine is full: the trace stays', async () => {
    const directory = bench.sandbox.path('no-folder');
    writeFileSync(directory, '');
    const run = await bench.runCapture({ plan: { durationSeconds: 0.5 }, directory });
    const failed = assertFailed(run);
    assert.equal(failed.stage, 'pull');
    assert.match(failed.error.message, /cannot be kept in .*no-folder on this machine/);
    assert.match(failed.error.hint ?? '', /wakechain\.captureDirectory/);
    const kept = keptOf(run);
    assert.ok(existsSync(join(seen(kept), 'trace.wakechain.db')));
    await assertFetched(kept);
  });

  test('the connection breaks in the middle of fetching', async () => {
    // More calls than the buffers of a connection hold.
    const flood = await startWorkload('flood', ['--calls', '400000', '--log', '/dev/null']);
    let arrived = 0;
    let all = 0;
    let said = false;
    const run = await bench.runCapture({
      plan: { target: { kind: 'processes', pids: [flood.pid] }, durationSeconds: 60 },
      onReport: ({ live, stage, bytes }, { stop }) => {
        if (live && !said) {
          said = true;
          flood.say('go');
          void flood.ended.then(stop);
        }
        if (stage !== 'pull' || !bytes) return;
        arrived = bytes.done;
        all = bytes.all;
        killSessions(bench.sandbox.user.name);
      },
    });
    flood.kill();
    const failed = assertFailed(run);
    assert.equal(failed.error.reason, 'connection_lost', run.log);
    assert.ok(arrived > 0 && arrived < all, `${arrived} of ${all}`);
    await assertFetched(keptOf(run));
  });

  test('the connection breaks while recording: the collector finishes, and that is waited for', async () => {
    const run = await bench.runCapture({
      plan: { durationSeconds: 30 },
      onReport: progress => {
        if (progress.live) killSessions(bench.sandbox.user.name);
      },
    });
    assert.equal(assertFailed(run).error.reason, 'connection_lost');
    await assertFetched(keptOf(run));
  });

  test('a fetch that is cancelled leaves it there', async () => {
    const directory = bench.sandbox.path('no-folder-either');
    writeFileSync(directory, '');
    const kept = keptOf(await bench.runCapture({ plan: { durationSeconds: 0.5 }, directory }));
    const run = await bench.runFetch(kept, {
      onReport: ({ stage }, { cancel }) => {
        if (stage === 'pull') cancel();
      },
    });
    assert.ok(run.outcome.kind === 'cancelled', run.log);
    assert.deepEqual(run.outcome.kept, kept);
    await assertFetched(kept);
  });

  test('one that somebody removed: said, and not kept any longer', async () => {
    const folder = '/var/tmp/wakechain-0123456789abcdef';
    const run = await bench.runFetch({ folder, time: new Date().toISOString() });
    const failed = assertFailed(run);
    assert.equal(failed.kept, undefined);
    assert.match(failed.error.message, /Nothing is left of the recording in \/var\/tmp\/wakechain-/);
  });

  test('no folder but one of ours is ever looked into', async () => {
    const precious = bench.sandbox.path('precious');
    mkdirSync(precious);
    for (const folder of [precious, '/var/tmp/wakechain-0123456789abcdef/../x', '/'])
      assert.match(
        assertFailed(await bench.runFetch({ folder, time: new Date().toISOString() })).error.message,
        /is no folder of Wakechain/,
      );
    assert.ok(existsSync(precious));
    rmSync(precious, { recursive: true });
  });
});
