// From opening a trace to its ranked causes, and statistics, at 1, 5 and 10 million intervals (rows of cuda_call, off_cpu
// and cpu_slice together), each in the process that does it for the editor, on one core. One million are generated, more
// are that trace again and again, one after the other in time.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Bench, ms, type Row } from '../../scripts/bench/report.ts';
import { generate } from '../fixtures/generate.ts';
import { withFolder } from '../lib/programs.ts';

const MILLION = 1_000_000;
const MILLIONS = [1, 5, 10];

export const bench: Bench = root =>
  withFolder(async folder => {
    const file = join(folder, 'causes.wakechain.db');
    const { durationNs } = generate(file, { events: MILLION, seed: 1 });
    const rows: Row[] = [];
    let have = 1;
    for (const millions of MILLIONS) {
      repeat(file, durationNs, have, millions);
      have = millions;
      const causes = measure(root, file, 'causes');
      const stats = measure(root, file, 'stats');
      const most = millions === 10;
      const row = (what: string, target: string, measured: string): void => {
        rows.push({
          what: `${millions} M intervals: ${what}`,
          target: most ? target : '',
          measured,
          rival: '',
          ratio: '',
        });
      };
      row('open to ranked causes, one core', '<= 10 s', ms(causes.ms));
      row('slow calls and gaps explained', '20,000', String(causes.delays));
      row('memory of that process', '<= 600 MB', `${Math.round(causes.peakBytes / 1e6)} MB`);
      row('one call explained, columns loaded', '<= 5 ms', ms(causes.againMs));
      row(`statistics over ${(stats.calls / 1e6).toFixed(1)} M calls, columns loaded`, '', ms(stats.againMs));
      if (millions === 5) rows.push({ ...rows.pop(), target: '<= 2 s at 5 M' } as Row);
    }
    return rows;
  });

/** Appends the first `durationNs` of the trace to its end until it is `want` times as long; ids still ascend with time. */
function repeat(file: string, durationNs: number, have: number, want: number): void {
  if (want <= have) return;
  const db = new DatabaseSync(file);
  const count = (table: string): number =>
    Number(db.prepare(`SELECT max(id) AS n FROM ${table}`).get()?.['n'] ?? 0);
  const [calls, waits] = [count('cuda_call') / have, count('off_cpu') / have];
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN');
  for (let copy = have; copy < want; copy++) {
    const by = copy * durationNs;
    db.exec(`
      INSERT INTO cuda_call (id, thread_id, function_id, start_ns, duration_ns, parent_id, result, call_site_id, stack_id)
        SELECT id + ${copy * calls}, thread_id, function_id, start_ns + ${by}, ifnull(duration_ns, ${durationNs} - start_ns),
          parent_id + ${copy * calls}, result, call_site_id, stack_id FROM cuda_call WHERE id <= ${calls} ORDER BY id;
      INSERT INTO off_cpu (id, thread_id, start_ns, duration_ns, runnable_ns, reason_id, syscall_id, object_id, futex_op,
          futex_value, stack_id, kernel_stack_id, waker_thread_id, waker_context_id, cpu_before, cpu_after)
        SELECT id + ${copy * waits}, thread_id, start_ns + ${by}, ifnull(duration_ns, ${durationNs} - start_ns), runnable_ns,
          reason_id, syscall_id, object_id, futex_op, futex_value, stack_id, kernel_stack_id, waker_thread_id,
          waker_context_id, cpu_before, cpu_after FROM off_cpu WHERE id <= ${waits} ORDER BY id;
      INSERT INTO cpu_slice (cpu, start_ns, thread_id, duration_ns)
        SELECT cpu, start_ns + ${by}, thread_id, ifnull(duration_ns, ${durationNs} - start_ns) FROM cpu_slice
        WHERE start_ns < ${durationNs} ORDER BY cpu, start_ns;`);
  }
  db.exec(`UPDATE meta SET value = '${want * durationNs}' WHERE key = 'duration_ns'; COMMIT`);
  db.close();
}

interface Measured {
  readonly ms: number;
  readonly againMs: number;
  readonly peakBytes: number;
  readonly delays: number;
  readonly calls: number;
}

/** In a process of its own, bound to one core where that can be done. */
function measure(root: string, file: string, what: 'causes' | 'stats'): Measured {
  const program = join(root, 'scripts', 'bench', 'explain.ts');
  const node = [process.execPath, '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', program, file, what];
  const command = process.platform === 'linux' ? ['taskset', '-c', '0', ...node] : node;
  const [first = '', ...rest] = command;
  return JSON.parse(execFileSync(first, rest, { encoding: 'utf8' })) as Measured;
}
