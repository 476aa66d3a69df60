// Who ran on each CPU, sorted by CPU and time; slices of one CPU never overlap. The same rows by thread say when a
// thread is known to have run.

import type { DatabaseSync } from 'node:sqlite';
import { believe, type Interval } from './clock.ts';
import { type Defects, eachRow, integer } from './read.ts';
import { doubles, type Groups, Growing, groupBy, integers, reorder } from './rows.ts';
import type { Threads } from './threads.ts';

export interface Slices {
  readonly rows: number;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly thread: Int32Array;
  readonly cpu: Int32Array;
  /** CPU number -> its rows [from, to). */
  readonly byCpu: ReadonlyMap<number, { readonly from: number; readonly to: number }>;
  readonly byThread: Groups;
}

export function loadSlices(
  db: DatabaseSync,
  threads: Threads,
  captureEndNs: number,
  defects: Defects,
): Slices {
  const start = new Growing(doubles, 1024);
  const end = new Growing(doubles, 1024);
  const thread = new Growing(integers, 1024);
  const cpu = new Growing(integers, 1024);
  const cpus = new Map<number, number>();
  const interval: Interval = { startNs: 0, endNs: 0, open: false };
  const select = 'SELECT cpu, start_ns, thread_id, duration_ns FROM cpu_slice ORDER BY cpu, start_ns';
  eachRow(db, select, cells => {
    const number = integer(cells[0]);
    if (number === undefined || number < 0) {
      defects.add('CPU slices without a CPU were left out');
      return;
    }
    if (!believe(interval, integer(cells[1]), cells[3], captureEndNs, 'CPU slices', defects)) return;
    const owner = threads.byId.get(integer(cells[2]) ?? -1);
    if (owner === undefined) defects.add('CPU slices of a thread that is not in the file');
    if (!cpus.has(number)) cpus.set(number, cpus.size);
    cpu.push(cpus.get(number) ?? 0);
    start.push(interval.startNs);
    end.push(interval.endNs);
    thread.push(owner ?? -1);
  });

  const startColumn = start.take();
  const cpuColumn = cpu.take();
  const { offsets, order } = groupBy(cpuColumn, cpus.size, startColumn);
  const numbers = [...cpus.keys()];
  const sorted = {
    rows: order.length,
    startNs: reorder(startColumn, order),
    endNs: reorder(end.take(), order),
    thread: reorder(thread.take(), order),
    cpu: reorder(cpuColumn, order).map(index => numbers[index] ?? -1),
    byCpu: new Map(
      numbers.map((number, index) => [number, { from: offsets[index] ?? 0, to: offsets[index + 1] ?? 0 }]),
    ),
  };
  for (let row = 1; row < sorted.rows; row++) {
    if (sorted.cpu[row] !== sorted.cpu[row - 1]) continue;
    const begin = sorted.startNs[row] as number;
    if ((sorted.endNs[row - 1] as number) <= begin) continue;
    // The next thread on this CPU is proof that the one before had gone.
    sorted.endNs[row - 1] = begin;
    defects.add('CPU slices that overlapped the next one on their CPU were cut');
  }
  return { ...sorted, byThread: groupBy(sorted.thread, threads.count, sorted.startNs) };
}
