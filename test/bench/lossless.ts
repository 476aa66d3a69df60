// Four threads launch at full speed: how many events a second are recorded without loss, how fast the spool becomes a
// database, how many bytes an event takes, and what the collector costs in start-up time, memory and CPU.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setInterval as every } from 'node:timers';
import { captured, collector, inFolder, Program, workload } from './programs.ts';
import { type Bench, ms } from './report.ts';

export const lossless: Bench = root =>
  inFolder(async folder => {
    const output = join(folder, 'flood.wakechain.db');
    const { capture } = await captured(
      root,
      workload(root, 'flood'),
      ['--calls', '1000000', '--threads', '4'],
      ['--output', output, '--overhead-percent', '0', '--keep-spool', '--spool', folder],
    );
    const finished = capture.at(-1) ?? {};
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
    const again = new Program(collector(root), [
      'finalize',
      spool,
      '--output',
      join(folder, 'again.wakechain.db'),
    ]);
    await again.ended;
    const finalizeMs = performance.now() - begin;
    const { loadMs, memoryMb } = await startUp(root, folder);
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
        measured: `${(statSync(collector(root)).size / 1e6).toFixed(1)} MB`,
        rival: '',
        ratio: '',
      },
    ];
  });

/** Milliseconds from exec to `started`, and the peak of resident memory of a capture of 1 s. */
async function startUp(root: string, folder: string): Promise<{ loadMs: number; memoryMb: number }> {
  const begin = performance.now();
  const capture = new Program(collector(root), [
    'capture',
    '--all',
    '--duration',
    '1',
    '--output',
    join(folder, 'idle.wakechain.db'),
  ]);
  await capture.line(line => line['type'] === 'started');
  const loadMs = performance.now() - begin;
  let peakKb = 0;
  const timer = every(() => {
    try {
      const status = readFileSync(`/proc/${capture.child.pid}/status`, 'utf8');
      peakKb = Math.max(peakKb, Number(status.match(/VmHWM:\s+(\d+)/)?.[1] ?? 0));
    } catch {
      // it has ended
    }
  }, 50);
  await capture.ended;
  clearInterval(timer);
  return { loadMs, memoryMb: peakKb / 1024 };
}
