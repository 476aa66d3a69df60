// What a trace is: where and when it was made, who is in it, how many rows it has. Counts come from indexes, so that
// opening does not wait for the large columns.

import type { HostCheck, TraceSummary } from '../api.ts';
import { clean } from '../columns/text.ts';
import { ns } from '../time.ts';
import { belief, probes } from './belief.ts';
import type { Store } from './store.ts';

/** The summary, but for `provenance`: whoever opened the trace hashes the file beside us. */
export type SummaryOfRows = Omit<TraceSummary, 'provenance'>;

export function summary(store: Store): SummaryOfRows {
  return {
    ...glance(store),
    processes: [...store.processes.values()].map(({ namespacePid, ...process }) => process),
    threads: threadInfos(store),
    belief: belief(store),
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
    rows,
    events: EVENT_TABLES.reduce((sum, table) => sum + (rows[table] ?? 0), 0),
  };
}

function threadInfos(store: Store): TraceSummary['threads'] {
  const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
  const calls = new Map(
    store.db
      .prepare(
        'SELECT thread_id AS id, count(*) AS n FROM cuda_call WHERE parent_id IS NULL GROUP BY thread_id',
      )
      .all()
      .map(row => [number(row['id']), number(row['n'])]),
  );
  const waits = new Map(
    store.db
      .prepare(
        `SELECT thread_id AS id, count(*) AS n, sum(ifnull(duration_ns, max(0, ? - start_ns))) AS total
         FROM off_cpu GROUP BY thread_id`,
      )
      .all(store.durationNs)
      .map(row => [number(row['id']), { events: number(row['n']), total: number(row['total']) }]),
  );
  return [...store.threads.values()].map(({ ref, processId, isTarget }) => ({
    ...ref,
    processId,
    isTarget,
    cudaCalls: calls.get(ref.id) ?? 0,
    offCpuEvents: waits.get(ref.id)?.events ?? 0,
    offCpuNs: ns(waits.get(ref.id)?.total ?? 0),
  }));
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
