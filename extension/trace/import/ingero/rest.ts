// What Ingero keeps beside its events: counters read once a second, the application's own marks, and the chains of
// causes that it claimed. A claim is kept word for word, as a point in time; what the rows say about it is asked later.

import type { DatabaseSync } from 'node:sqlite';
import type { Target } from '../target.ts';
import { integer, json, real, text } from './cells.ts';
import { functionNamed } from './codes.ts';
import { type Format, selected } from './format.ts';
import { type People, rowsOf } from './people.ts';
import type { SpanOfFile } from './span.ts';

/** instant.kind of a claim. */
export const CHAIN = 'ingero.chain';

/** Rows of one table: in the file, and in the trace. */
export interface Moved {
  readonly rows: number;
  readonly imported: number;
}

const METRICS: readonly (readonly [column: string, metric: string, factor: number])[] = [
  ['cpu_pct', 'cpu.percent', 1],
  ['mem_pct', 'memory.percent', 1],
  ['mem_avail', 'memory.available_bytes', 2 ** 20],
  ['swap_mb', 'swap.used_bytes', 2 ** 20],
  ['load_avg', 'load.1_minute', 1],
];

/** A row becomes a sample of each counter. */
export function importSnapshots(target: Target, db: DatabaseSync, format: Format, span: SpanOfFile): Moved {
  let rows = 0;
  let imported = 0;
  const seen = new Set<number>();
  const columns = ['timestamp', ...METRICS.map(([column]) => column)];
  for (const row of rowsOf(db, format, 'system_snapshots', columns)) {
    rows += 1;
    const atNs = atOf(row['timestamp'], span);
    if (atNs === undefined || seen.has(atNs)) continue;
    seen.add(atNs);
    imported += 1;
    for (const [column, metric, factor] of METRICS) {
      const value = real(row[column]);
      if (value !== undefined) target.add('sample', [atNs, metric, value * factor]);
    }
  }
  return { rows, imported };
}

const ANNOTATION = ['timestamp', 'labels', 'pid', 'span_start', 'span_end'];

export function importAnnotations(
  target: Target,
  db: DatabaseSync,
  format: Format,
  span: SpanOfFile,
  people: People,
): Moved {
  let rows = 0;
  const found: { atNs: number; endNs: number | undefined; labels: unknown; pid: number | undefined }[] = [];
  for (const row of rowsOf(db, format, 'annotations', ANNOTATION)) {
    rows += 1;
    const atNs = atOf(row['span_start'], span) ?? atOf(row['timestamp'], span);
    if (atNs === undefined) continue;
    const endNs = atOf(row['span_end'], span);
    found.push({ atNs, endNs, labels: json(row['labels']), pid: integer(row['pid']) });
  }
  found.sort((a, b) => a.atNs - b.atNs);
  for (const [index, { atNs, endNs, labels, pid }] of found.entries()) {
    const thread = pid === undefined ? undefined : people.mainThread(pid)?.id;
    const lasted = endNs === undefined || endNs < atNs ? null : endNs - atNs;
    const details = labels === undefined ? null : JSON.stringify({ labels });
    target.add('annotation', [
      ...[index + 1, thread ?? null, nameOf(labels), atNs, lasted, null, null, details],
    ]);
  }
  return { rows, imported: found.length };
}

function nameOf(labels: unknown): string {
  const name = (labels as { readonly name?: unknown } | undefined)?.name;
  return text(name) ?? 'annotation';
}

const TEXTS = ['id', 'severity', 'summary', 'root_cause', 'explanation', 'node'] as const;
const CLAIM = [
  ...['detected_at', ...TEXTS, 'recommendations', 'cuda_op', 'cuda_p99_us', 'cuda_p50_us', 'tail_ratio'],
  'timeline',
];
/** Of a list in a claim. */
const LONGEST_LIST = 100;
const LONGEST_LIST_TEXT = 64 * 1024;

/** The claims in order of time, read as they are asked for: a file may hold any number. */
export function* chainsOf(db: DatabaseSync, format: Format, span: SpanOfFile): Generator<Instant> {
  if (format.tables.get('causal_chains')?.has('detected_at') !== true) return;
  const statement = db.prepare(
    `SELECT ${selected(format, 'causal_chains', CLAIM)} FROM causal_chains
     WHERE typeof(detected_at) = 'integer' AND detected_at BETWEEN :start AND :high ORDER BY detected_at, id`,
  );
  statement.setReadBigInts(true);
  const bounds = { start: span.startNs, high: span.highNs };
  for (const row of statement.iterate(bounds) as Iterable<Record<string, unknown>>) {
    const operation = text(row['cuda_op']);
    const details = {
      ...Object.fromEntries(TEXTS.map(name => [name, text(row[name])])),
      operation,
      function: operation === undefined ? undefined : functionNamed(operation),
      p99_us: integer(row['cuda_p99_us']),
      p50_us: integer(row['cuda_p50_us']),
      tail_ratio: real(row['tail_ratio']),
      recommendations: listOf(row['recommendations']),
      timeline: listOf(row['timeline']),
    };
    const atNs = atOf(row['detected_at'], span);
    if (atNs !== undefined) yield { atNs, kind: CHAIN, details: JSON.stringify(details) };
  }
}

/** A row of `instant` that still needs its id. */
export interface Instant {
  readonly atNs: number;
  readonly kind: string;
  readonly details: string;
}

function listOf(cell: unknown): unknown[] | undefined {
  const list = json(cell, LONGEST_LIST_TEXT);
  return Array.isArray(list) ? list.slice(0, LONGEST_LIST) : undefined;
}

/** Nanoseconds since the start of the trace; undefined for what is no time of this recording. */
function atOf(cell: unknown, span: SpanOfFile): number | undefined {
  if (typeof cell !== 'bigint' || cell <= 0n || cell < span.lowNs || cell > span.highNs) return undefined;
  const atNs = Number(cell - span.startNs);
  return atNs >= 0 ? atNs : undefined;
}
