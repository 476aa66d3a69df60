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
  const { parentId, ...columns } = readPacked(db, 'cuda_call', 'id', {
    id: ['id', 'time'],
    thread: ['thread_id', 'id'],
    function: ['function_id', 'id'],
    startNs: ['start_ns', 'time'],
    durationNs: ['duration_ns', 'time'],
    parentId: ['parent_id', 'time'],
    failed: [`(ifnull(result, 0) NOT IN (0, ${NOT_READY}))`, 'flag'],
    stack: ['stack_id', 'id'],
  });
  return { ...columns, parentRow: rowsOf(parentId, columns.id) };
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
  return readPacked(db, 'off_cpu', 'id', {
    id: ['id', 'time'],
    thread: ['thread_id', 'id'],
    startNs: ['start_ns', 'time'],
    durationNs: ['duration_ns', 'time'],
    runnableNs: ['runnable_ns', 'time'],
    reason: ['reason_id', 'id'],
    object: ['object_id', 'id'],
    syscall: ['syscall_id', 'id'],
    cpuAfter: ['cpu_after', 'id'],
    stack: ['stack_id', 'id'],
    kernelStack: ['kernel_stack_id', 'id'],
  });
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
      const columns = readPacked(
        db,
        'cpu_slice',
        'start_ns',
        { startNs: ['start_ns', 'time'], durationNs: ['duration_ns', 'time'], thread: ['thread_id', 'id'] },
        `cpu = ${cpu}`,
      );
      return [cpu, columns];
    }),
  );
}
