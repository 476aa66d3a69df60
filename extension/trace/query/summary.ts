// What a trace is: where and when it was made, who is in it, how many rows it has.

import type { HostCheck, TraceSummary } from '../api.ts';
import { clean } from '../columns/text.ts';
import { ns } from '../time.ts';
import { believed, probes } from './belief.ts';
import { importedFrom } from './imported.ts';
import { rowsOf } from './overlap.ts';
import { outermostCalls } from './stats.ts';
import type { Store } from './store.ts';

/** The summary, but for `provenance`: whoever opened the trace hashes the file beside us. */
export type SummaryOfRows = Omit<TraceSummary, 'provenance'>;

export function summary(store: Store): SummaryOfRows {
  return {
    ...glance(store),
    processes: [...store.processes.values()].map(({ namespacePid, ...process }) => process),
    threads: threadInfos(store),
    belief: believed(store),
  };
}

export type Glance = Omit<SummaryOfRows, 'processes' | 'threads' | 'belief'>;

/** What a count of events counts, wherever it is told. */
const EVENT_TABLES = [
  'cuda_call',
  'off_cpu',
  'cpu_slice',
  'cpu_sample',
  'syscall',
  'block_io',
  'memory_stall',
  'tcp_retransmit',
  'instant',
] as const;

/** The part of the summary that a list of traces shows. */
export function glance(store: Store): Glance {
  const { path, bytes, schemaVersion, schema } = store.open;
  const rows: Record<string, number> = {};
  for (const table of schema.tables.keys()) {
    rows[table] = Number(store.db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'] ?? 0);
  }
  return {
    path,
    bytes,
    schemaVersion,
    startUnixNs: store.metaText('start_unix_ns'),
    durationNs: store.durationNs,
    host: store.metaText('host'),
    kernel: store.metaText('kernel'),
    machine: store.metaText('machine'),
    cpus: Number(store.metaText('cpus')) || 0,
    collectorVersion: store.metaText('collector_version'),
    commandLine: store.metaText('command_line'),
    profile: store.metaText('profile'),
    endReason: store.metaText('end_reason'),
    imported: importedFrom(store),
    rows,
    events: EVENT_TABLES.reduce((sum, table) => sum + (rows[table] ?? 0), 0),
  };
}

function threadInfos(store: Store): TraceSummary['threads'] {
  const { offCpu } = store.columns;
  const whole = store.window({});
  return store.columns.threads.refs.map((ref, index) => {
    const { from, to } = rowsOf(offCpu, index);
    let offCpuNs = 0;
    for (let row = from; row < to; row++)
      offCpuNs += (offCpu.endNs[row] as number) - (offCpu.startNs[row] as number);
    const thread = store.threads.get(ref.id);
    return {
      ...ref,
      processId: thread?.processId ?? -1,
      isTarget: thread?.isTarget ?? false,
      cudaCalls: outermostCalls(store, whole, index),
      offCpuEvents: to - from,
      offCpuNs: ns(offCpuNs),
    };
  });
}

export function check(store: Store): HostCheck {
  return {
    items: checkItems(store.meta.get('check')),
    probes: probes(store),
    meta: Object.fromEntries(store.meta),
  };
}

/** What `check` of the collector printed: a list, or an object that holds one as `items`. */
function checkItems(value: unknown): HostCheck['items'] {
  const list = Array.isArray(value) ? value : (value as { items?: unknown } | undefined)?.items;
  if (!Array.isArray(list)) return [];
  return list.flatMap(item => {
    const { code, state, message, hint } = (item ?? {}) as Record<string, unknown>;
    if (state !== 'pass' && state !== 'degraded' && state !== 'fail') return [];
    return [
      {
        code: clean(String(code)),
        state,
        message: clean(String(message ?? '')),
        hint: typeof hint === 'string' ? clean(hint) : undefined,
      },
    ];
  });
}
