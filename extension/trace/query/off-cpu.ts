// Off-CPU intervals in a window: the longest as rows, their exact sum, and who had the CPU while they were runnable.

import type { OffCpuEvent, OffCpuQuery, OffCpuResult } from '../api.ts';
import { REASONS } from '../columns/names.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { clean } from '../columns/text.ts';
import { TraceError } from '../error.ts';
import { ns, type Span } from '../time.ts';
import { nearest } from './nearest.ts';
import { overlap, rowsOverlapping } from './overlap.ts';
import { eachOffCpu, ReasonSums } from './stats.ts';
import type { Store } from './store.ts';

const DEFAULT_LIMIT = 100;
const MOST = 10_000;
const CONTENDERS = 20;

/** Longest intervals first. Time is clipped to the window; `minDurationNs` is about the whole interval. */
export function offCpu(store: Store, query: OffCpuQuery): OffCpuResult {
  const window = store.window(query);
  const { offCpu: columns } = store.columns;
  const reason = query.reason === undefined ? undefined : reasonCode(store, query.reason);
  const least = query.minDurationNs ?? 0;
  const rows: number[] = [];
  const sums = new ReasonSums(store, window);
  const contenders = new Float64Array(store.columns.threads.count);
  let totalNs = 0;
  eachOffCpu(store, window, store.indexesOf(query), row => {
    if (reason !== undefined && columns.reason[row] !== reason) return;
    if ((columns.endNs[row] as number) - (columns.startNs[row] as number) < least) return;
    rows.push(row);
    totalNs += sums.add(row);
    addContenders(store, row, window, contenders);
  });
  rows.sort((a, b) => overlap(columns, b, window) - overlap(columns, a, window) || a - b);
  const limit = Math.max(0, Math.min(MOST, query.limit ?? DEFAULT_LIMIT));
  return {
    events: readEvents(
      store,
      rows.slice(0, limit).map(row => columns.id[row] ?? -1),
    ),
    total: rows.length,
    totalNs: ns(totalNs),
    byReason: sums.take(),
    contenders: [...contenders.entries()]
      .filter(([, time]) => time > 0)
      .sort((a, b) => b[1] - a[1] || a[0] - b[0])
      .slice(0, CONTENDERS)
      .flatMap(([index, time]) => {
        const thread = store.columns.threads.refs[index];
        return thread === undefined ? [] : [{ thread, timeNs: ns(time) }];
      }),
  };
}

function reasonCode(store: Store, reason: string): number {
  const { offCpu: columns } = store.columns;
  const used = new Uint8Array(REASONS.length);
  for (let row = 0; row < columns.rows; row++) used[columns.reason[row] as number] = 1;
  const known = REASONS.filter((_, code) => used[code] === 1);
  const code = (REASONS as readonly string[]).indexOf(reason);
  if (code >= 0 && used[code] === 1) return code;
  const near = nearest(reason, known);
  throw new TraceError(
    'bad_query',
    `No thread of this trace was off the CPU for the reason "${clean(reason)}"${near === undefined ? '' : `; did you mean "${near}"`}${near === undefined ? '.' : '?'}`,
    `Reasons in this trace: ${known.toSorted().join(', ')}.`,
  );
}

/**
 * Adds the time that others spent on the CPU that this thread was waiting for. A thread that its group's quota stopped
 * waits for the quota, whoever has the CPU.
 */
function addContenders(store: Store, row: number, window: Span, into: Float64Array): void {
  const { offCpu: columns, slices, captureEndNs } = store.columns;
  if (reasonOf(columns, row) === 'throttled') return;
  const rows = slices.byCpu.get(columns.cpuAfter[row] as number);
  const waiting: Span = {
    startNs: ns(Math.max(columns.wokenNs[row] as number, window.startNs)),
    endNs: ns(Math.min(columns.endNs[row] as number, window.endNs)),
  };
  if (rows === undefined || waiting.startNs >= waiting.endNs) return;
  const self = columns.thread[row];
  const { from, to } = rowsOverlapping(slices, rows, waiting, captureEndNs);
  for (let i = from; i < to; i++) {
    const thread = slices.thread[i] as number;
    if (thread === self || thread < 0) continue;
    into[thread] = (into[thread] as number) + overlap(slices, i, waiting);
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
