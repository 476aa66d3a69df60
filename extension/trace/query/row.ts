// One row of evidence: its columns as the views name them, and its stacks.

import type { RowDetails, RowRef } from '../api.ts';
import { TraceError } from '../error.ts';
import { ns } from '../time.ts';
import { framesOf } from './stacks.ts';
import type { Store } from './store.ts';
import { visible } from './visible.ts';

/** Our own TEMP views where there is one, else the table. */
const sources = {
  cuda_call: 'temp.cuda_calls',
  off_cpu: 'temp.off_cpu_events',
  cpu_sample: 'main.cpu_sample',
  block_io: 'main.block_io',
  memory_stall: 'main.memory_stall',
  tcp_retransmit: 'main.tcp_retransmit',
  instant: 'main.instant',
} as const;

const stackNames = [
  ['stack_id', 'user stack'],
  ['kernel_stack_id', 'kernel stack'],
  ['waker_stack_id', "waker's stack"],
] as const;

export function row(store: Store, ref: RowRef): RowDetails {
  const found = read(store, ref);
  if (found === undefined) {
    const which = ref.table === 'cpu_slice' ? `on CPU ${ref.cpu} at ${ref.startNs} ns` : String(ref.id);
    throw new TraceError('not_in_trace', `This trace has no row ${which} in ${ref.table}.`);
  }
  const start = integer(found['start_ns'] ?? found['at_ns']) ?? 0;
  const length =
    'start_ns' in found ? (integer(found['duration_ns']) ?? Math.max(0, store.durationNs - start)) : 0;
  const thread = integer(found['thread_id']);
  return {
    ref,
    columns: Object.entries(found).map(([name, value]) => ({ name, value: cell(value) })),
    stacks: stackNames.flatMap(([column, name]) => {
      const id = integer(found[column]);
      return id === undefined ? [] : [{ name, frames: framesOf(store, id) }];
    }),
    thread: thread === undefined ? undefined : store.thread(thread),
    span: { startNs: ns(start), endNs: ns(start + length) },
  };
}

function read(store: Store, ref: RowRef): Record<string, unknown> | undefined {
  if (ref.table === 'cpu_slice') {
    return store.db
      .prepare('SELECT * FROM main.cpu_slice WHERE cpu = ? AND start_ns = ?')
      .get(ref.cpu, ref.startNs);
  }
  return store.db.prepare(`SELECT * FROM ${sources[ref.table]} WHERE id = ?`).get(ref.id);
}

const integer = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

function cell(value: unknown): string | number | undefined {
  if (typeof value === 'number') return value;
  return value === null || value === undefined ? undefined : visible(String(value));
}
