// Off-CPU intervals of every thread, sorted by thread and then by time, never overlapping within a thread.
//
//     startNs ......... wokenNs ......... endNs
//        | blocked          | runnable      |
//
// A thread that was preempted is runnable all along (wokenNs = startNs).

import type { DatabaseSync } from 'node:sqlite';
import { scan } from '../pages/scan.ts';
import { believe, type Interval } from './clock.ts';
import { CONTEXTS, type Context, type Names, REASONS, type Reason } from './names.ts';
import { type Defects, roomFor } from './read.ts';
import {
  Arrivals,
  bytes,
  doubles,
  type Groups,
  Growing,
  GrowingIds,
  groupBy,
  type Ids,
  idOf,
  integers,
  type Keys,
  keysOf,
  Spares,
} from './rows.ts';
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

export const NOBODY = -1;
export const IDLE = -2;

export interface OffCpu {
  readonly rows: number;
  /** Rows of thread t: offsets[t] .. offsets[t + 1] - 1. */
  readonly offsets: Int32Array;
  readonly id: Ids;
  readonly thread: Keys;
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
  readonly object: Ids;
  readonly objectIds: readonly number[];
  /** Index of the thread; NOBODY = not known; IDLE = pid 0, which an interrupt had borrowed. */
  readonly waker: Ids;
  readonly context: Uint8Array;
  readonly cpuBefore: Ids;
  readonly cpuAfter: Ids;
  /** name.id of the system call it was in; -1 = none. */
  readonly syscall: Ids;
  /** Rows that waited on a futex or a lock of the kernel, grouped by object, by time. */
  readonly waits: Groups;
}

export const reasonOf = (offCpu: Pick<OffCpu, 'reason'>, row: number): Reason =>
  REASONS[offCpu.reason[row] ?? 0] ?? 'other';
export const contextOf = (offCpu: OffCpu, row: number): Context =>
  CONTEXTS[offCpu.context[row] ?? 0] ?? 'not taken';

const ASKED = {
  table: 'off_cpu',
  columns: [
    'id',
    'thread_id',
    'start_ns',
    'duration_ns',
    'runnable_ns',
    'reason_id',
    'object_id',
    'waker_thread_id',
    'waker_context_id',
    'cpu_before',
    'cpu_after',
    'futex_op',
    'futex_value',
    'syscall_id',
  ],
  contains: { column: 'details', text: '"inferred":true' },
} as const;

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
  const expected = roomFor(db, 'off_cpu');
  const id = new GrowingIds(expected);
  const thread = new Growing(integers, expected);
  const start = new Growing(doubles, expected);
  const woken = new Growing(doubles, expected);
  const end = new Growing(doubles, expected);
  const open = new Growing(bytes, expected);
  const reason = new Growing(bytes, expected);
  const lock = new Growing(bytes, expected);
  const inferred = new Growing(bytes, expected);
  const object = new GrowingIds(expected, true);
  const waker = new GrowingIds(expected, true);
  const context = new Growing(bytes, expected);
  const cpuBefore = new GrowingIds(expected, true);
  const cpuAfter = new GrowingIds(expected, true);
  const syscall = new GrowingIds(expected, true);
  const objects = new Map<number, number>();
  const arrivals = new Arrivals();
  const interval: Interval = { startNs: 0, endNs: 0, open: false };

  scan(db, ASKED, cells => {
    const cell = (place: number): number => cells[place] as number;
    const owner = threads.indexOf(cell(1));
    if (owner < 0) {
      defects.add('off-CPU intervals of a thread that is not in the file were left out');
      return;
    }
    if (!believe(interval, cell(2), cell(3), captureEndNs, 'off-CPU intervals', defects)) return;
    const why = names.reason(cell(5));
    id.push(idOf(cell(0)));
    thread.push(owner);
    start.push(interval.startNs);
    arrivals.add(owner, interval.startNs);
    end.push(interval.endNs);
    open.push(interval.open ? 1 : 0);
    reason.push(why);
    lock.push(REASONS[why] === 'kernel_lock' ? KERNEL_LOCK : lockOf(cell(11), cell(12)));
    inferred.push(cell(14));
    woken.push(wokenAt(interval, cell(4), REASONS[why] ?? 'other', defects));
    object.push(Number.isFinite(cell(6)) ? indexOf(objects, cell(6)) : -1);
    const by = threads.indexOf(cell(7));
    waker.push(by < 0 ? NOBODY : threads.refs[by]?.tid === 0 ? IDLE : by);
    context.push(names.context(cell(8)));
    cpuBefore.push(cpuOf(cell(9)));
    cpuAfter.push(cpuOf(cell(10)));
    syscall.push(idOf(cell(13)));
  });

  const key = thread.take();
  const { offsets, places } = arrivals.places(key, threads.count, start);
  const spares = new Spares();
  // The widest first: their spare is gone before the others need one.
  const startNs = start.sort(places, spares);
  const wokenNs = woken.sort(places, spares);
  const endNs = end.sort(places, spares);
  spares.free();
  spares.give(integers, key);
  const sorted = {
    rows: places.length,
    offsets,
    id: id.sort(places, spares),
    thread: keysOf(offsets),
    startNs,
    wokenNs,
    endNs,
    open: open.sort(places, spares),
    reason: reason.sort(places, spares),
    lock: lock.sort(places, spares),
    inferred: inferred.sort(places, spares),
    object: object.sort(places, spares),
    objectIds: [...objects.keys()],
    waker: waker.sort(places, spares),
    context: context.sort(places, spares),
    cpuBefore: cpuBefore.sort(places, spares),
    cpuAfter: cpuAfter.sort(places, spares),
    syscall: syscall.sort(places, spares),
  };
  spares.free();
  separate(sorted, defects);
  const waitKey = new Int32Array(sorted.rows);
  for (let row = 0; row < waitKey.length; row++)
    waitKey[row] = WAITS_FOR_A_WORD.has(reasonOf(sorted, row)) ? (sorted.object[row] as number) : -1;
  return { ...sorted, waits: groupBy(waitKey, objects.size, sorted.startNs) };
}

function lockOf(futexOp: number, futexValue: number): number {
  if (futexOp === 0 && futexValue === 2) return MUTEX;
  if (futexOp === 9 && futexValue === 3) return RW_LOCK;
  return futexOp === 6 || futexOp === 13 ? PI_MUTEX : NOT_A_LOCK;
}

function wokenAt(interval: Interval, runnable: number, reason: Reason, defects: Defects): number {
  if (NOT_BLOCKED.has(reason)) return interval.startNs;
  if (!Number.isFinite(runnable)) return interval.endNs;
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
    let before = endNs[row - 1] as number;
    if (before <= begin) continue;
    defects.add('off-CPU intervals that overlapped another of the same thread were cut');
    if (open[row - 1] === 1) {
      // It may itself have been cut to begin after this one does.
      before = Math.max(begin, startNs[row - 1] as number);
      endNs[row - 1] = before;
      wokenNs[row - 1] = Math.min(wokenNs[row - 1] as number, before);
    }
    if (before > begin) {
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

const cpuOf = (cpu: number): number => (cpu >= 0 && cpu <= MOST_CPUS ? cpu : -1);
