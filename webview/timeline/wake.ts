// Who ended a wait, and when: read from the row of the off-CPU event. A wake-up made in an interrupt only borrowed the
// thread it came in on: that thread is not to be pointed at.

import type { RowDetails, ThreadInfo } from '../../extension/trace/api.ts';

export interface Wake {
  readonly atNs: number;
  /** thread.id of both. */
  readonly waker: number;
  readonly woken: number;
}

export function wakeOf(row: RowDetails, threads: readonly ThreadInfo[]): Wake | undefined {
  const value = (name: string): string | number | undefined =>
    row.columns.find(column => column.name === name)?.value;
  if (row.thread === undefined || value('waker_context') === 'interrupt') return undefined;
  const tid = value('waker_tid');
  const waker = threads.find(thread => thread.tid === tid && thread.pid === value('waker_pid'));
  if (waker === undefined) return undefined;
  const runnable = value('runnable_ns');
  return {
    atNs: row.span.endNs - (typeof runnable === 'number' ? runnable : 0),
    waker: waker.id,
    woken: row.thread.id,
  };
}
