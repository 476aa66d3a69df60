// One million launches at full speed: every count of the trace against the workload's own, and against each other.
// With small rings records may be lost; then each of them is accounted for, by probe and by time.

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startCapture } from '../lib/capture.ts';
import { buildWorkloads, makeFolder, startWorkload } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { type LogLine, parseLog } from '../lib/truth.ts';

const CALLS = 1_000_000;

/** Runs the flood under a capture that began before it and ends after it. */
async function captureFlood(
  folder: string,
  options: readonly string[],
): Promise<{ file: TraceFile; log: LogLine[] }> {
  buildWorkloads();
  const trace = join(folder, 'flood.wakechain.db');
  const path = join(folder, 'flood.log');
  const flood = await startWorkload('flood', ['--calls', String(CALLS), '--log', path]);
  try {
    const target = ['--pid', String(flood.pid), '--duration', '100', '--control-stdin'];
    const capture = await startCapture(['--output', trace, '--overhead-percent', '0', ...target, ...options]);
    flood.say('go');
    assert.equal(await flood.ended, 0, flood.words);
    capture.program.say('stop');
    await capture.finished;
    assert.equal(await capture.program.ended, 0, capture.program.words);
  } finally {
    flood.kill();
  }
  return { file: new TraceFile(trace), log: parseLog(readFileSync(path, 'utf8')) };
}

for (const { name, options, lossless } of [
  { name: 'with default rings', options: [], lossless: true },
  { name: 'with rings of 64 KB', options: ['--ring-bytes', '65536'], lossless: false },
] as const)
  describe(`a million launches from four threads, ${name}`, () => {
    const folder = makeFolder();
    let file: TraceFile;
    let log: LogLine[];

    before(async () => {
      ({ file, log } = await captureFlood(folder, options));
    });
    after(() => {
      file?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    for (const name of ['cudaLaunchKernel', 'cuLaunchKernel'])
      test(`${name}: hits are the calls that were made, and each hit went one of four ways`, () => {
        const called = log
          .filter(line => line.type === 'calls' && line['function'] === name)
          .reduce((sum, line) => sum + Number(line['count']), 0);
        assert.equal(called, CALLS);
        const [probe] = file.rows(
          `SELECT sum(hits) AS hits, sum(emitted) AS emitted, sum(merged) AS merged, sum(filtered) AS filtered,
             sum(lost) AS lost FROM probe WHERE kind = 'uprobe' AND target LIKE '%:' || ?`,
          name,
        );
        assert.ok(probe);
        const of = (column: string) => Number(probe[column]);
        assert.equal(of('hits'), called);
        assert.equal(of('hits'), of('emitted') + of('merged') + of('filtered') + of('lost'));
        assert.equal(file.number('SELECT count(*) FROM cuda_calls WHERE function = ?', name), of('emitted'));
        if (lossless) assert.equal(of('lost'), 0);
      });

    test('every probe adds up, and the file says so', () => {
      const wrong = file.rows(
        'SELECT * FROM probe WHERE attached = 1 AND hits <> emitted + merged + filtered + lost',
      );
      assert.deepEqual(wrong, []);
      assert.equal(file.meta('consistent'), true);
    });

    test('what the probes lost is what the rows of loss add up to, class by class', () => {
      for (const [of, kinds] of [
        ["= 'cuda'", "= 'uprobe'"],
        ["= 'stack'", "= 'stack'"],
        ["IN ('life', 'scheduler', 'host')", "NOT IN ('uprobe', 'stack')"],
      ])
        assert.equal(
          file.number(`SELECT sum(events) FROM loss WHERE class ${of}`),
          file.number(`SELECT sum(lost) FROM probe WHERE kind ${kinds}`),
          `class ${of}`,
        );
      if (lossless) assert.deepEqual(file.rows('SELECT * FROM loss'), []);
    });

    test('each thread is there, those from before the capture and those born in it, with its own arguments', () => {
      const threads = log
        .filter(line => line.type === 'flood')
        .sort((a, b) => String(a['thread']).localeCompare(String(b['thread'])));
      assert.deepEqual(
        threads.map(line => line['early']),
        [true, true, false, false],
      );
      for (const line of threads) {
        const tid = Number(line['tid']);
        const [thread, ...more] = file.rows('SELECT * FROM thread WHERE tid = ?', tid);
        assert.ok(thread !== undefined && more.length === 0, `one row for tid ${tid}`);
        assert.equal(thread['name'], line['thread']);
        assert.equal(
          thread['start_ns'] === null,
          line['early'],
          `${line['thread']} began before the capture`,
        );
        const shapes = file.rows(
          `SELECT DISTINCT grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream FROM cuda_calls
           WHERE tid = ? AND function = 'cudaLaunchKernel'`,
          tid,
        );
        const [gx, gy, gz] = line['grid'] as number[];
        const [bx, by, bz] = line['block'] as number[];
        assert.deepEqual(
          shapes.map(shape => ({ ...shape })),
          [
            {
              grid_x: gx,
              grid_y: gy,
              grid_z: gz,
              block_x: bx,
              block_y: by,
              block_z: bz,
              shared_bytes: line['shared_bytes'],
              stream: Number(line['stream']),
            },
          ],
        );
        if (lossless)
          assert.equal(
            file.number(
              "SELECT count(*) FROM cuda_calls WHERE tid = ? AND function = 'cudaLaunchKernel'",
              tid,
            ),
            CALLS / threads.length,
          );
      }
    });
  });
