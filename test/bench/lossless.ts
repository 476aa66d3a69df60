// Four threads launch at full speed: how many events a second are recorded without loss, how fast the spool becomes a
// database, how many bytes an event takes, and what the collector costs in start-up time, memory and CPU.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setInterval as every } from 'node:timers';
import { captured, lineOfType } from '../../scripts/bench/programs.ts';
import { type Bench, ms } from '../../scripts/bench/report.ts';
import { collector, Program, withFolder } from '../lib/programs.ts';

export const bench: Bench = () =>
  withFolder(async folder => {
    const output = join(folder, 'flood.wakechain.db');
    const { finished } = await captured(
      'flood',
      ['--calls', '1000000', '--threads', '4'],
      ['--output', output, '--overhead-percent', '0', '--keep-spool', '--spool', folder],
    );
    const spool = String(finished['spool'] ?? '');
    const db = new DatabaseSync(output, { readOnly: true });
    const one = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0]);
    const rows = one(
      'SELECT (SELECT count(*) FROM cuda_call) + (SELECT count(*) FROM off_cpu) + (SELECT count(*) FROM cpu_slice)',
    );
    const spanNs = one('SELECT max(start_ns + coalesce(duration_ns, 0)) - min(start_ns) FROM cuda_call');
    const calls = one('SELECT count(*) FROM cuda_call');
    db.close();
    const begin = performance.now();
    const again = join(folder, 'again.wakechain.db');
    await lineOfType(new Program(collector, ['finalize', spool, '--output', again]), 'finished');
    const finalizeMs = performance.now() - begin;
    const { loadMs, memoryMb } = await startUp(folder);
    return [
      {
        what: 'full speed, 2 cores: CUDA calls recorded a second',
        target: '>= 1 M events/s, 0 lost',
        measured: `${(calls / (spanNs / 1e9) / 1e6).toFixed(2)} M/s, ${finished['lost']} lost`,
        rival: '',
        ratio: '',
      },
      {
        what: 'finalize',
        target: '1 s + 1 s for each million events',
        measured: `${(rows / finalizeMs / 1000).toFixed(2)} M rows/s (${rows} rows in ${ms(finalizeMs)})`,
        rival: '',
        ratio: '',
      },
      {
        what: 'database, indexes included',
        target: '<= 60 B a CUDA call',
        measured: `${(statSync(output).size / rows).toFixed(0)} B an event`,
        rival: '',
        ratio: '',
      },
      {
        what: 'start: to recording, whole program',
        target: '<= 300 ms load + attach',
        measured: ms(loadMs),
        rival: '',
        ratio: '',
      },
      {
        what: 'memory while capturing',
        target: '<= 32 MB',
        measured: `${memoryMb.toFixed(1)} MB`,
        rival: '',
        ratio: '',
      },
      {
        what: 'collector, this processor',
        target: '<= 8 MB',
        measured: `${(statSync(collector).size / 1e6).toFixed(1)} MB`,
        rival: '',
        ratio: '',
      },
    ];
  });

/** Milliseconds from exec to `started`, and the peak of resident memory while recording for 1 s. */
async function startUp(folder: string): Promise<{ loadMs: number; memoryMb: number }> {
  const begin = performance.now();
  const output = join(folder, 'idle.wakechain.db');
  const capture = new Program(collector, ['capture', '--all', '--duration', '1', '--output', output]);
  await lineOfType(capture, 'started');
  const loadMs = performance.now() - begin;
  let peakKb = 0;
  const timer = every(() => {
    try {
      const status = readFileSync(`/proc/${capture.pid}/status`, 'utf8');
      peakKb = Math.max(peakKb, Number(status.match(/VmHWM:\s+(\d+)/)?.[1] ?? 0));
    } catch {
      // it has ended
    }
  }, 50);
  await lineOfType(capture, 'finalizing');
  clearInterval(timer);
  await capture.ended;
  return { loadMs, memoryMb: peakKb / 1024 };
}
