// Off-CPU intervals in a window: the longest as rows, their exact sum, and who had the CPU while they were runnable.

import type { OffCpuEvent, OffCpuQuery, OffCpuResult } from '../api.ts';
import { clean } from '../columns/text.ts';
import { TraceError } from '../error.ts';
import { ns, type Span } from '../time.ts';
import { nearest } from './nearest.ts';
import { overlap, rowsOverlapping } from './overlap.ts';
import { eachOffCpu, ReasonSums, runnableTail } from './stats.ts';
import type { Store } from './store.ts';

const DEFAULT_LIMIT = 100;
const MOST = 10_000;
const CONTENDERS = 20;

/** Longest intervals first. Time is clipped to the window; `minDurationNs` is about the whole interval. */
export function offCpu(store: Store, query: OffCpuQuery): OffCpuResult {
  const window = store.window(query);
  const { offCpu: columns, durationNs: captureEnd } = store;
  const reason = query.reason === undefined ? undefined : reasonId(store, query.reason);
  const least = query.minDurationNs ?? 0;
  const rows: number[] = [];
  const sums = new ReasonSums(store, window);
  const contenders = new Map<number, number>();
  let totalNs = 0;
  eachOffCpu(store, window, store.threadsOf(query), row => {
    if (reason !== undefined && columns.reason[row] !== reason) return;
    if (lengthOf(store, row) < least) return;
    rows.push(row);
    totalNs += sums.add(row);
    addContenders(store, row, window, contenders);
  });
  rows.sort(
    (a, b) => overlap(columns, b, window, captureEnd) - overlap(columns, a, window, captureEnd) || a - b,
  );
  const limit = Math.max(0, Math.min(MOST, query.limit ?? DEFAULT_LIMIT));
  return {
    events: readEvents(
      store,
      rows.slice(0, limit).map(row => columns.id[row] ?? -1),
    ),
    total: rows.length,
    totalNs: ns(totalNs),
    byReason: sums.take(),
    contenders: [...contenders]
      .sort((a, b) => b[1] - a[1] || a[0] - b[0])
      .slice(0, CONTENDERS)
      .flatMap(([id, time]) => {
        const thread = store.thread(id);
        return thread === undefined ? [] : [{ thread, timeNs: ns(time) }];
      }),
  };
}

function lengthOf(store: Store, row: number): number {
  const duration = store.offCpu.durationNs[row] ?? -1;
  return duration < 0 ? store.durationNs - (store.offCpu.startNs[row] ?? 0) : duration;
}

function reasonId(store: Store, reason: string): number {
  const used = new Map<string, number>();
  for (const id of new Set(store.offCpu.reason)) used.set(store.names.get(id) ?? '?', id);
  const id = used.get(reason);
  if (id !== undefined) return id;
  const near = nearest(reason, [...used.keys()]);
  throw new TraceError(
    'bad_query',
    `No thread of this trace was off the CPU for the reason "${clean(reason)}"${near === undefined ? '' : `; did you mean "${near}"`}${near === undefined ? '.' : '?'}`,
    `Reasons in this trace: ${[...used.keys()].sort().join(', ')}.`,
  );
}

/** Adds the time that others spent on the CPU that this thread was waiting for. */
function addContenders(store: Store, row: number, window: Span, into: Map<number, number>): void {
  const tail = runnableTail(store, row);
  const slices = store.slices.get(store.offCpu.cpuAfter[row] ?? -1);
  if (tail === undefined || slices === undefined) return;
  const clipped: Span = {
    startNs: ns(Math.max(tail.startNs, window.startNs)),
    endNs: ns(Math.min(tail.endNs, window.endNs)),
  };
  if (clipped.startNs >= clipped.endNs) return;
  const self = store.offCpu.thread[row];
  const { first, end } = rowsOverlapping(slices, clipped);
  for (let i = first; i < end; i++) {
    const thread = slices.thread[i] ?? -1;
    if (thread === self) continue;
    into.set(thread, (into.get(thread) ?? 0) + overlap(slices, i, clipped, store.durationNs));
  }
}

function readEvents(store: Store, ids: readonly number[]): OffCpuEvent[] {
  const statement = store.db.prepare(
    `SELECT o.*, b.kind AS object_kind, b.name AS object_name, b.address AS object_address
     FROM off_cpu o LEFT JOIN wait_object b ON b.id = o.object_id WHERE o.id = ?`,
  );
  const optional = (value: unknown) => (typeof value === 'number' ? value : undefined);
  const thread = (value: unknown) => (typeof value === 'number' ? store.thread(value) : undefined);
  const name = (value: unknown) => (typeof value === 'number' ? store.names.get(value) : undefined);
  const span = (value: unknown) => (typeof value === 'number' ? ns(value) : undefined);
  return ids.flatMap(id => {
    const row = statement.get(id);
    const owner = thread(row?.['thread_id']);
    if (row === undefined || owner === undefined) return [];
    return [
      {
        id,
        thread: owner,
        startNs: ns(Number(row['start_ns'])),
        durationNs: span(row['duration_ns']),
        beganBefore: row['began_before'] === 1,
        runnableNs: span(row['runnable_ns']),
        reason: name(row['reason_id']) ?? '?',
        syscall: name(row['syscall_id']),
        object: objectName(row['object_kind'], row['object_name'], optional(row['object_address'])),
        waker: thread(row['waker_thread_id']),
        wakerContext: name(row['waker_context_id']),
        next: thread(row['next_thread_id']),
      },
    ];
  });
}

/** "pipe pipe:[88123]", "futex 0x7f3a5c0012d0"; undefined where nothing is known. */
export function objectName(kind: unknown, name: unknown, address: number | undefined): string | undefined {
  if (typeof kind !== 'string') return undefined;
  if (typeof name === 'string') return `${kind} ${clean(name)}`;
  return address === undefined ? kind : `${kind} 0x${address.toString(16)}`;
}
