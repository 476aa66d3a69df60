// Who ran on each CPU, sorted by CPU and time; slices of one CPU never overlap. The same rows by thread say when a
// thread is known to have run.

import type { DatabaseSync } from 'node:sqlite';
import { scan } from '../pages/scan.ts';
import { believe, type Interval } from './clock.ts';
import { type Defects, roomFor } from './read.ts';
import {
  Arrivals,
  doubles,
  type Groups,
  Growing,
  GrowingIds,
  groupBy,
  type Ids,
  integers,
  type Keys,
  keysOf,
  Spares,
} from './rows.ts';
import type { Threads } from './threads.ts';

export interface Slices {
  readonly rows: number;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly thread: Ids;
  /** Place in `cpus`. */
  readonly cpu: Keys;
  /** CPU numbers. */
  readonly cpus: readonly number[];
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
  const expected = roomFor(db, 'cpu_slice');
  const start = new Growing(doubles, expected);
  const end = new Growing(doubles, expected);
  const thread = new GrowingIds(expected, true);
  const cpu = new Growing(integers, expected);
  const cpus = new Map<number, number>();
  const arrivals = new Arrivals();
  const interval: Interval = { startNs: 0, endNs: 0, open: false };
  const columns = ['cpu', 'start_ns', 'thread_id', 'duration_ns'];
  scan(db, { table: 'cpu_slice', columns }, cells => {
    const number = cells[0] as number;
    if (!(number >= 0 && Number.isFinite(number))) {
      defects.add('CPU slices without a CPU were left out');
      return;
    }
    if (!believe(interval, cells[1] as number, cells[3] as number, captureEndNs, 'CPU slices', defects))
      return;
    const owner = threads.indexOf(cells[2] as number);
    if (owner < 0) defects.add('CPU slices of a thread that is not in the file');
    let index = cpus.get(number);
    if (index === undefined) {
      index = cpus.size;
      cpus.set(number, index);
    }
    cpu.push(index);
    start.push(interval.startNs);
    arrivals.add(index, interval.startNs);
    end.push(interval.endNs);
    thread.push(owner);
  });

  const key = cpu.take();
  const { offsets, places } = arrivals.places(key, cpus.size, start);
  const spares = new Spares();
  const numbers = [...cpus.keys()];
  // The widest first: their spare is gone before the others need one.
  const startNs = start.sort(places, spares);
  const endNs = end.sort(places, spares);
  spares.free();
  spares.give(integers, key);
  const sorted = {
    rows: places.length,
    startNs,
    endNs,
    thread: thread.sort(places, spares),
    cpu: keysOf(offsets),
    cpus: numbers,
    byCpu: new Map(
      numbers.map((number, index) => [number, { from: offsets[index] ?? 0, to: offsets[index + 1] ?? 0 }]),
    ),
  };
  spares.free();
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
