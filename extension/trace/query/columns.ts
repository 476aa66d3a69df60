// The three large tables as columns in memory: what statistics, pictures and flame graphs are computed from.
// All ascend by start. Ids refer to the tables of the same name; -1 stands for NULL.

import type { DatabaseSync } from 'node:sqlite';
import { readPacked } from './packed.ts';

/** Codes that say "not yet" and are no failure: cudaErrorNotReady and CUDA_ERROR_NOT_READY (driver_types.h, cuda.h). */
const NOT_READY = 600;

export interface Calls {
  readonly count: number;
  readonly id: Float64Array;
  readonly thread: Int32Array;
  readonly function: Int32Array;
  readonly startNs: Float64Array;
  /** -1: had not returned when the capture ended. */
  readonly durationNs: Float64Array;
  /** Row in these columns of the call around it; -1: none. Always before this row. */
  readonly parentRow: Int32Array;
  readonly failed: Uint8Array;
  readonly stack: Int32Array;
}

export function loadCalls(db: DatabaseSync): Calls {
  const failed = `(ifnull(result, 0) NOT IN (0, ${NOT_READY}))`;
  const { count, columns } = readPacked(db, 'cuda_call', [
    'id',
    'thread_id',
    'function_id',
    'start_ns',
    'duration_ns',
    'parent_id',
    failed,
    'stack_id',
  ]);
  const [id, thread, fn, startNs, durationNs, parent, fail, stack] = columns;
  const ids = id ?? new Float64Array(0);
  return {
    count,
    id: ids,
    thread: Int32Array.from(thread ?? []),
    function: Int32Array.from(fn ?? []),
    startNs: startNs ?? new Float64Array(0),
    durationNs: durationNs ?? new Float64Array(0),
    parentRow: rowsOf(parent ?? new Float64Array(0), ids),
    failed: Uint8Array.from(fail ?? []),
    stack: Int32Array.from(stack ?? []),
  };
}

/** The row of each id; ids ascend. One that is absent, or not before its child, is -1. */
function rowsOf(wanted: Float64Array, ids: Float64Array): Int32Array {
  const rows = new Int32Array(wanted.length).fill(-1);
  for (let row = 0; row < wanted.length; row++) {
    const id = wanted[row] ?? -1;
    if (id < 0) continue;
    // A parent is a few rows back: look there before searching.
    let at = row - 1;
    for (let steps = 0; steps < 8 && at >= 0 && (ids[at] ?? 0) > id; steps++) at--;
    if (ids[at] !== id) at = search(ids, id);
    if (at >= 0 && at < row && ids[at] === id) rows[row] = at;
  }
  return rows;
}

function search(ids: Float64Array, id: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface OffCpuColumns {
  readonly count: number;
  readonly id: Float64Array;
  readonly thread: Int32Array;
  readonly startNs: Float64Array;
  /** -1: had not ended when the capture did. */
  readonly durationNs: Float64Array;
  /** -1: not observed. */
  readonly runnableNs: Float64Array;
  readonly reason: Int32Array;
  readonly object: Int32Array;
  readonly syscall: Int32Array;
  readonly cpuAfter: Int32Array;
  readonly stack: Int32Array;
  readonly kernelStack: Int32Array;
}

export function loadOffCpu(db: DatabaseSync): OffCpuColumns {
  const { count, columns } = readPacked(db, 'off_cpu', [
    'id',
    'thread_id',
    'start_ns',
    'duration_ns',
    'runnable_ns',
    'reason_id',
    'object_id',
    'syscall_id',
    'cpu_after',
    'stack_id',
    'kernel_stack_id',
  ]);
  const column = (i: number): Float64Array => columns[i] ?? new Float64Array(0);
  return {
    count,
    id: column(0),
    thread: Int32Array.from(column(1)),
    startNs: column(2),
    durationNs: column(3),
    runnableNs: column(4),
    reason: Int32Array.from(column(5)),
    object: Int32Array.from(column(6)),
    syscall: Int32Array.from(column(7)),
    cpuAfter: Int32Array.from(column(8)),
    stack: Int32Array.from(column(9)),
    kernelStack: Int32Array.from(column(10)),
  };
}

export interface CpuColumns {
  readonly count: number;
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  readonly thread: Int32Array;
}

/** Slices of each CPU that has any. */
export function loadSlices(db: DatabaseSync): ReadonlyMap<number, CpuColumns> {
  const cpus = db.prepare('SELECT DISTINCT cpu FROM cpu_slice ORDER BY cpu').all();
  return new Map(
    cpus.map(row => {
      const cpu = Number(row['cpu']);
      const { count, columns } = readPacked(
        db,
        'cpu_slice',
        ['start_ns', 'duration_ns', 'thread_id'],
        `cpu = ${cpu}`,
      );
      const [startNs, durationNs, thread] = columns;
      const empty = new Float64Array(0);
      return [
        cpu,
        {
          count,
          startNs: startNs ?? empty,
          durationNs: durationNs ?? empty,
          thread: Int32Array.from(thread ?? []),
        },
      ];
    }),
  );
}
