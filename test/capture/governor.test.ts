// What recording may cost a thread: one that calls as fast as it can is seen in moments only, the trace says what was left
// out and why, and every hit that there was is accounted for.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ofType, startCapture } from '../lib/capture.ts';
import { buildWorkloads, startWorkload, withFolder } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { parseLog } from '../lib/truth.ts';

interface Flooded {
  readonly file: TraceFile;
  /** Of each of the two functions, by the workload's own count. */
  readonly calls: number;
  readonly levels: readonly number[];
}

/** One thread calls at full speed while it is captured with these options. */
async function captureFlood(
  calls: number,
  options: readonly string[],
  use: (flooded: Flooded) => void,
): Promise<void> {
  buildWorkloads();
  await withFolder(async folder => {
    const [trace, log] = [join(folder, 'flood.wakechain.db'), join(folder, 'flood.log')];
    const flood = await startWorkload('flood', ['--threads', '1', '--calls', String(calls), '--log', log]);
    try {
      const target = ['--pid', String(flood.pid), '--duration', '100', '--control-stdin'];
      const capture = await startCapture(['--output', trace, ...target, ...options]);
      flood.say('go');
      assert.equal(await flood.ended, 0, flood.words);
      capture.program.say('stop');
      await capture.finished;
      assert.equal(await capture.program.ended, 0, capture.program.words);
      const counted = parseLog(readFileSync(log, 'utf8')).filter(
        line => line.type === 'calls' && line['function'] === 'cudaLaunchKernel',
      );
      const progress = ofType('progress');
      const levels = capture.program.lines
        .map(progress)
        .filter(line => line !== undefined)
        .map(line => Number(line['governor_level']));
      const file = new TraceFile(trace);
      try {
        use({ file, levels, calls: counted.reduce((sum, line) => sum + Number(line['count']), 0) });
      } finally {
        file.close();
      }
    } finally {
      flood.kill();
    }
  });
}

/** Every probe's hits went one of four ways, and what it emitted is in the file. */
function addsUp(file: TraceFile): void {
  assert.equal(file.meta('consistent'), true, JSON.stringify(file.meta('inconsistencies')));
  assert.deepEqual(
    file.rows('SELECT * FROM probe WHERE attached = 1 AND hits <> emitted + merged + filtered + lost'),
    [],
  );
  const emitted = file.number("SELECT sum(emitted) FROM probe WHERE kind = 'uprobe'");
  assert.equal(file.number('SELECT count(*) FROM cuda_call'), emitted);
}

const LAUNCHES = ['cuLaunchKernel', 'cudaLaunchKernel'];

test('probes that cost a thread too much are taken away, come back for moments, and the trace says so', async t => {
  await captureFlood(150_000_000, ['--overhead-percent', '2'], ({ file, calls, levels }) => {
    addsUp(file);
    assert.ok(levels.includes(3), `level 3 is told while it records: ${levels}`);
    for (const name of LAUNCHES) {
      const [probe] = file.rows(
        "SELECT hits, emitted FROM probe WHERE attached AND target LIKE '%:' || ?",
        name,
      );
      const hits = Number(probe?.['hits']);
      t.diagnostic(`${name}: ${hits} of ${calls} calls hit a probe`);
      assert.ok(hits > 1000 && hits < calls / 4, `${hits} of ${calls}`);
      const left = file.rows(
        `SELECT c.what, c.kept FROM coverage c JOIN cuda_function f ON f.id = c.function_id
         WHERE f.name = ? AND c.reason = 'overhead' AND c.what = 'calls'`,
        name,
      );
      assert.ok(left.length > 0, name);
      for (const row of left) assert.ok(Number(row['kept']) < 0.5, JSON.stringify(row));
    }
    // calls that were in progress when their probes went have no end, and are not taken for long ones
    const longest = file.number('SELECT max(duration_ns) FROM cuda_call');
    const away = file.number("SELECT max(duration_ns) FROM coverage WHERE reason = 'overhead'");
    t.diagnostic(`longest call ${longest / 1e6} ms, longest stretch ${away / 1e6} ms`);
    const inside = `SELECT count(*) FROM cuda_call c JOIN cuda_call p ON p.id = c.parent_id
      WHERE c.start_ns - p.start_ns > coalesce(p.duration_ns, 50e6)`;
    assert.equal(file.number(inside), 0, 'no call inside one that is over');
  });
});

test('beyond --max-events-per-second events are left out, and the trace says how many', async () => {
  const options = ['--overhead-percent', '0', '--max-events-per-second', '10000'];
  await captureFlood(2_000_000, options, ({ file, calls }) => {
    addsUp(file);
    const [sum] = file.rows(
      "SELECT sum(hits) AS hits, sum(filtered) AS filtered FROM probe WHERE attached AND target LIKE '%LaunchKernel'",
    );
    assert.equal(Number(sum?.['hits']), 2 * calls);
    const events =
      'SELECT (SELECT count(*) FROM cuda_call) + (SELECT count(*) FROM off_cpu) + (SELECT count(*) FROM cpu_slice)';
    const seconds = Number(file.meta('duration_ns')) / 1e9;
    const rows = file.number(events);
    assert.ok(rows < (seconds + 1) * 2 * 10_000, `${rows} rows in ${seconds} s`);
    const told = file.rows("SELECT * FROM coverage WHERE reason = 'max_events_per_second'");
    assert.ok(told.length > 0);
    for (const row of told) assert.ok(Number(row['kept']) < 0.9, JSON.stringify(row));
  });
});
