// Room on the disk: a recording ends by itself while there is still room for its trace, or at the size that was asked for;
// where the disk fills up all the same, a sentence with a code says so, and what was recorded becomes a trace later.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ofType } from '../lib/capture.ts';
import { collector, needBuilt, Program, withFolder } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';

/** A file system in memory of so many bytes. */
async function withSmallDisk(bytes: number, use: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async folder => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', disk]);
    try {
      await use(disk);
    } finally {
      execFileSync('umount', ['--lazy', disk]);
    }
  });
}

function takeMegabytes(disk: string, count: number): void {
  const of = `of=${join(disk, 'filler')}`;
  spawnSync('dd', ['if=/dev/zero', of, 'bs=1M', `count=${count}`], { stdio: 'ignore' });
}

/** Takes what is free, to the last byte. */
function fill(disk: string): void {
  takeMegabytes(disk, 4096);
  spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'rest')}`, 'bs=1'], { stdio: 'ignore' });
}

async function finalizeLater(spool: string): Promise<void> {
  await withFolder(async elsewhere => {
    const trace = join(elsewhere, 'later.wakechain.db');
    const program = new Program(collector, ['finalize', spool, '--output', trace]);
    assert.equal(await program.ended, 0, program.words);
    const file = new TraceFile(trace);
    assert.deepEqual(Object.values(file.rows('PRAGMA integrity_check')[0] ?? {}), ['ok']);
    assert.deepEqual(file.rows('PRAGMA foreign_key_check'), []);
    assert.ok(file.number('SELECT count(*) FROM off_cpu') > 100);
    file.close();
  });
}

// enough events that the spool goes on growing
const busy = ['--', 'sh', '-c', 'for i in $(seq 400); do /bin/true; done; sleep 30'];

for (const { moment, spoolOnDisk } of [
  { moment: 'while recording', spoolOnDisk: true },
  { moment: 'while the trace is built', spoolOnDisk: false },
])
  test(`a disk that fills up ${moment}: a sentence with a code, and what was recorded becomes a trace later`, async () => {
    await withSmallDisk(96 << 20, async disk => {
      await withFolder(async folder => {
        const spools = spoolOnDisk ? disk : folder;
        const outputs = spoolOnDisk ? folder : disk;
        needBuilt(collector);
        const line = ['capture', '--output', join(outputs, 'a.wakechain.db'), '--spool', spools];
        const program = new Program(collector, [...line, '--duration', '6', ...busy]);
        await program.line(ofType('progress'), 'progress');
        fill(disk);
        const error = await program.line(ofType('error'), 'error');
        assert.equal(await program.ended, 1, program.words);
        assert.equal(error['code'], 'disk_full', JSON.stringify(error));
        assert.match(String(error['message']), /full/);
        assert.match(String(error['hint']), /finalize/);
        assert.deepEqual(
          readdirSync(outputs).filter(name => name.includes('wakechain') && !name.endsWith('.spool')),
          [],
        );
        const spool = join(spools, 'a.wakechain.db.spool');
        assert.ok(existsSync(spool) && statSync(spool).size > 10_000);
        await finalizeLater(spool);
      });
    });
  });

async function endsByItself(
  folder: string,
  options: readonly string[],
  meanwhile: () => void,
): Promise<{ reason: unknown; waits: number }> {
  needBuilt(collector);
  const trace = join(folder, 'a.wakechain.db');
  const program = new Program(collector, ['capture', '--output', trace, ...options, ...busy]);
  await program.line(ofType('started'), 'started');
  meanwhile();
  const finished = await program.line(ofType('finished'), 'finished', 120);
  assert.equal(await program.ended, 0, program.words);
  const file = new TraceFile(trace);
  try {
    assert.equal(file.meta('consistent'), true, JSON.stringify(file.meta('inconsistencies')));
    assert.equal(finished['end_reason'], file.meta('end_reason'));
    return { reason: file.meta('end_reason'), waits: file.number('SELECT count(*) FROM off_cpu') };
  } finally {
    file.close();
  }
}

test('a recording ends by itself while there is still room for its trace', async () => {
  await withSmallDisk(96 << 20, async disk => {
    const { reason, waits } = await endsByItself(disk, ['--duration', '60'], () => takeMegabytes(disk, 88));
    assert.equal(reason, 'disk space');
    assert.ok(waits > 20, `${waits} waits`);
  });
});

test('a recording ends at the size that was asked for', async () => {
  await withFolder(async folder => {
    const { reason } = await endsByItself(folder, ['--duration', '60', '--max-bytes', '20000'], () => {});
    assert.equal(reason, 'max bytes');
  });
});
