// The collector is killed in the middle of a capture: what it had spooled becomes a whole database, which says how it
// ended; the traced program does not notice. A spool that was cut anywhere is kept as far as it is whole.

import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ofType, startCapture } from '../lib/capture.ts';
import { buildWorkloads, collector, Program, startWorkload, withFolder } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';

/** Captures the demo, kills the collector after a second of progress; gives the spool that it left. */
async function killedCapture(folder: string): Promise<{ spool: string; duration: number }> {
  buildWorkloads();
  const demo = await startWorkload('demo', ['--duration', '2', '--log', join(folder, 'demo.log')]);
  try {
    const output = join(folder, 'never.wakechain.db');
    const spools = ['--spool', folder, '--keep-spool'];
    const capture = await startCapture([
      '--output',
      output,
      '--duration',
      '30',
      '--pid',
      String(demo.pid),
      ...spools,
    ]);
    demo.say('go');
    const began = Date.now();
    await capture.program.line(line => {
      const progress = ofType('progress')(line);
      return progress !== undefined && Date.now() - began > 1000 ? progress : undefined;
    }, 'progress after a second');
    capture.program.kill('SIGKILL');
    assert.equal(await capture.program.ended, 'SIGKILL');
    assert.equal(await demo.ended, 0, `the traced program ends well: ${demo.words}`);
    const left = readdirSync(folder).filter(name => name !== 'demo.log');
    const [spool] = left.filter(name => statSync(join(folder, name)).size > 1000);
    assert.ok(
      spool !== undefined && left.length === 1,
      `one spool and nothing else is left: ${left.join(', ')}`,
    );
    return { spool: join(folder, spool), duration: Date.now() - began };
  } finally {
    demo.kill();
  }
}

async function finalize(spool: string, output: string): Promise<TraceFile> {
  const program = new Program(collector, ['finalize', spool, '--output', output]);
  assert.equal(await program.ended, 0, `finalize: ${program.lines.join('\n')}\n${program.words}`);
  return new TraceFile(output);
}

test('SIGKILL of the collector: its spool becomes a whole database with the end marked', async () => {
  await withFolder(async folder => {
    const { spool } = await killedCapture(folder);
    const file = await finalize(spool, join(folder, 'killed.wakechain.db'));
    assert.deepEqual(
      file.rows('PRAGMA integrity_check').map(row => Object.values(row)[0]),
      ['ok'],
    );
    assert.deepEqual(file.rows('PRAGMA foreign_key_check'), []);
    assert.equal(file.meta('end_reason'), 'collector died');
    assert.ok(file.number('SELECT count(*) FROM cuda_call') > 100, 'calls of the first second are there');
    assert.ok(file.number('SELECT count(*) FROM off_cpu') > 100, 'and waits');
    assert.ok(Number(file.meta('duration_ns')) > 500_000_000, 'the capture lasted as far as was recorded');
    file.close();

    // Cut in the middle of a record, as a full disk would.
    const cut = join(folder, 'cut.spool');
    copyFileSync(spool, cut);
    truncateSync(cut, Math.floor(statSync(spool).size / 2) - 3);
    const half = await finalize(cut, join(folder, 'cut.wakechain.db'));
    assert.deepEqual(
      half.rows('PRAGMA integrity_check').map(row => Object.values(row)[0]),
      ['ok'],
    );
    assert.equal(half.meta('end_reason'), 'collector died');
    assert.ok(
      half.number("SELECT count(*) FROM loss WHERE source = 'spool'") > 0,
      'what was cut off is a row of loss',
    );
    half.close();
  });
});
