// Off-CPU intervals of every thread, sorted by thread and then by time, never overlapping within a thread.
//
//     startNs ......... wokenNs ......... endNs
//        | blocked          | runnable      |
//
// A thread that was preempted is runnable all along (wokenNs = startNs).

import type { DatabaseSync } from 'node:sqlite';
import { believe, type Interval } from './clock.ts';
import { CONTEXTS, type Context, type Names, REASONS, type Reason } from './names.ts';
import { type Defects, eachRow, integer } from './read.ts';
import { bytes, doubles, type Groups, Growing, groupBy, integers, reorder } from './rows.ts';
import type { Threads } from './threads.ts';

/**
 * What kind of lock the wait was for, as far as its operation and value tell (causes.md, "Locks"): glibc waits for a
 * mutex by FUTEX_WAIT with 2, for a read-write lock by WAIT_BITSET with 3; LOCK_PI says what it is.
 */
export const NOT_A_LOCK = 0;
export const MUTEX = 1;
export const PI_MUTEX = 2;
export const RW_LOCK = 3;
export const KERNEL_LOCK = 4;
/** Added to the lock's code in the query alone: one cell less to fetch for each row. */
const INFERRED = 8;

export const NOBODY = -1;
export const IDLE = -2;

export interface OffCpu {
  readonly rows: number;
  /** Rows of thread t: offsets[t] .. offsets[t + 1] - 1. */
  readonly offsets: Int32Array;
  readonly id: Float64Array;
  readonly thread: Int32Array;
  readonly startNs: Float64Array;
  readonly wokenNs: Float64Array;
  readonly endNs: Float64Array;
  /** 1 = it had not ended when the capture stopped. */
  readonly open: Uint8Array;
  readonly reason: Uint8Array;
  readonly lock: Uint8Array;
  /** 1 = its end was inferred (details.inferred): no probe saw the thread get its CPU. */
  readonly inferred: Uint8Array;
  /** Index into `objectIds`; -1 = none. */
  readonly object: Int32Array;
  readonly objectIds: readonly number[];
  /** Index of the thread; NOBODY = not known; IDLE = pid 0, which an interrupt had borrowed. */
  readonly waker: Int32Array;
  readonly context: Uint8Array;
  readonly cpuBefore: Int32Array;
  readonly cpuAfter: Int32Array;
  /** Rows that waited on a futex or a lock of the kernel, grouped by object, by time. */
  readonly waits: Groups;
}

export const reasonOf = (offCpu: Pick<OffCpu, 'reason'>, row: number): Reason =>
  REASONS[offCpu.reason[row] ?? 0] ?? 'other';
export const contextOf = (offCpu: OffCpu, row: number): Context =>
  CONTEXTS[offCpu.context[row] ?? 0] ?? 'not taken';

const SELECT = `SELECT id, thread_id, start_ns, duration_ns, runnable_ns, reason_id, object_id, waker_thread_id,
  waker_context_id, cpu_before, cpu_after,
  CASE WHEN futex_op = 0 AND futex_value = 2 THEN ${MUTEX} WHEN futex_op = 9 AND futex_value = 3 THEN ${RW_LOCK}
    WHEN futex_op IN (6, 13) THEN ${PI_MUTEX} ELSE ${NOT_A_LOCK} END
  + CASE WHEN details IS NULL OR instr(details, '"inferred":true') = 0 THEN 0 ELSE ${INFERRED} END
  FROM off_cpu ORDER BY id`;

/** Largest CPU number that is believed. */
const MOST_CPUS = 65_535;

const WAITS_FOR_A_WORD: ReadonlySet<Reason> = new Set(['futex', 'kernel_lock']);
const NOT_BLOCKED: ReadonlySet<Reason> = new Set(['preempted', 'yielded', 'throttled']);

export function loadOffCpu(
  db: DatabaseSync,
  threads: Threads,
  names: Names,
  captureEndNs: number,
  defects: Defects,
): OffCpu {
  const expected = 1024;
  const id = new Growing(doubles, expected);
  const thread = new Growing(integers, expected);
  const start = new Growing(doubles, expected);
  const woken = new Growing(doubles, expected);
  const end = new Growing(doubles, expected);
  const open = new Growing(bytes, expected);
  const reason = new Growing(bytes, expected);
  const lock = new Growing(bytes, expected);
  const inferred = new Growing(bytes, expected);
  const object = new Growing(integers, expected);
  const waker = new Growing(integers, expected);
  const context = new Growing(bytes, expected);
  const cpuBefore = new Growing(integers, expected);
  const cpuAfter = new Growing(integers, expected);
  const objects = new Map<number, number>();
  const interval: Interval = { startNs: 0, endNs: 0, open: false };

  eachRow(db, SELECT, cells => {
    const owner = threads.byId.get(integer(cells[1]) ?? -1);
    if (owner === undefined) {
      defects.add('off-CPU intervals of a thread that is not in the file were left out');
      return;
    }
    const what = 'off-CPU intervals';
    if (!believe(interval, integer(cells[2]), cells[3], captureEndNs, what, defects)) return;
    const why = names.reason(cells[5]);
    id.push(integer(cells[0]) ?? -1);
    thread.push(owner);
    start.push(interval.startNs);
    end.push(interval.endNs);
    open.push(interval.open ? 1 : 0);
    reason.push(why);
    const code = integer(cells[11]) ?? 0;
    lock.push(REASONS[why] === 'kernel_lock' ? KERNEL_LOCK : code % INFERRED);
    inferred.push(code >= INFERRED ? 1 : 0);
    woken.push(wokenAt(interval, cells[4], REASONS[why] ?? 'other', defects));
    const objectId = integer(cells[6]);
    object.push(objectId === undefined ? -1 : indexOf(objects, objectId));
    const by = threads.byId.get(integer(cells[7]) ?? -1);
    waker.push(by === undefined ? NOBODY : threads.refs[by]?.tid === 0 ? IDLE : by);
    context.push(names.context(cells[8]));
    cpuBefore.push(cpuOf(cells[9]));
    cpuAfter.push(cpuOf(cells[10]));
  });

  const threadColumn = thread.take();
  const startColumn = start.take();
  const { offsets, order } = groupBy(threadColumn, threads.count, startColumn);
  const sorted = {
    rows: order.length,
    offsets,
    id: reorder(id.take(), order),
    thread: reorder(threadColumn, order),
    startNs: reorder(startColumn, order),
    wokenNs: reorder(woken.take(), order),
    endNs: reorder(end.take(), order),
    open: reorder(open.take(), order),
    reason: reorder(reason.take(), order),
    lock: reorder(lock.take(), order),
    inferred: reorder(inferred.take(), order),
    object: reorder(object.take(), order),
    objectIds: [...objects.keys()],
    waker: reorder(waker.take(), order),
    context: reorder(context.take(), order),
    cpuBefore: reorder(cpuBefore.take(), order),
    cpuAfter: reorder(cpuAfter.take(), order),
  };
  separate(sorted, defects);
  const waitKey = sorted.object.map((key, row) => (WAITS_FOR_A_WORD.has(reasonOf(sorted, row)) ? key : -1));
  return { ...sorted, waits: groupBy(waitKey, objects.size, sorted.startNs) };
}

function wokenAt(interval: Interval, cell: unknown, reason: Reason, defects: Defects): number {
  if (NOT_BLOCKED.has(reason)) return interval.startNs;
  const runnable = integer(cell);
  if (runnable === undefined) return interval.endNs;
  if (runnable < 0 || runnable > interval.endNs - interval.startNs) {
    defects.add('run-queue times longer than their interval were cut');
  }
  return Math.min(interval.endNs, Math.max(interval.startNs, interval.endNs - runnable));
}

/**
 * A thread is off the CPU once at a time. Where two of its intervals overlap, the earlier one ends where the later one
 * begins if it was open (its end was not seen), and the later one is cut otherwise.
 */
function separate(
  columns: Pick<OffCpu, 'rows' | 'thread' | 'startNs' | 'wokenNs' | 'endNs' | 'open'>,
  defects: Defects,
): void {
  const { thread, startNs, wokenNs, endNs, open } = columns;
  for (let row = 1; row < columns.rows; row++) {
    if (thread[row] !== thread[row - 1]) continue;
    const begin = startNs[row] as number;
    const before = endNs[row - 1] as number;
    if (before <= begin) continue;
    defects.add('off-CPU intervals that overlapped another of the same thread were cut');
    if (open[row - 1] === 1) {
      endNs[row - 1] = begin;
      wokenNs[row - 1] = Math.min(wokenNs[row - 1] as number, begin);
    } else {
      startNs[row] = before;
      endNs[row] = Math.max(before, endNs[row] as number);
      wokenNs[row] = Math.max(before, wokenNs[row] as number);
    }
  }
}

function indexOf(seen: Map<number, number>, id: number): number {
  const known = seen.get(id);
  if (known !== undefined) return known;
  seen.set(id, seen.size);
  return seen.size - 1;
}

function cpuOf(cell: unknown): number {
  const cpu = integer(cell);
  return cpu === undefined || cpu < 0 || cpu > MOST_CPUS ? -1 : cpu;
}
