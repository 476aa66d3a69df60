// Ingero's database as a trace. Its tables are read by their columns, whatever its version says; the source is only read.
//
// What the file cannot say stays unsaid (NULL, no row) and is named: as `coverage`, and in `meta.imported`.

import type { Schema } from '../../schema.ts';
import type { ImportProgress } from '../progress.ts';
import type { Source } from '../source.ts';
import { Target } from '../target.ts';
import { countedOf, writeCoverage } from './belief.ts';
import { count, text } from './cells.ts';
import { importEvents } from './events.ts';
import type { Format } from './format.ts';
import { rowsOf } from './people.ts';
import { chainsOf, importAnnotations, importSnapshots, type Moved } from './rest.ts';
import { type SpanOfFile, spanOf } from './span.ts';

/** meta.imported: where a trace came from, and what became of each row. */
export interface ImportedMeta {
  readonly tool: 'Ingero';
  readonly schema: string | undefined;
  readonly version: string | undefined;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly rows: {
    readonly events: Moved & { readonly wrongTypes: number; readonly wrongTimes: number };
    readonly causal_chains: Moved;
    readonly system_snapshots: Moved;
    readonly annotations: Moved;
  };
  /** Tables that the file does not have. */
  readonly missing: readonly string[];
  readonly hosts: readonly string[];
  readonly sessions: number;
}

/** Writes the trace to `file`, which must not be there yet. */
export async function importIngero(
  source: Source,
  format: Format,
  file: string,
  schema: Schema,
  sha256: string,
  report: (progress: ImportProgress) => Promise<void>,
): Promise<ImportedMeta> {
  const { db } = source;
  const target = new Target(file, schema);
  try {
    const span = spanOf(db, format);
    const usable = span.events - span.wrongTypes - span.wrongTimes;
    const progress = (done: number) => report({ done, all: usable });
    await progress(0);
    const events = await importEvents(target, db, format, span, chainsOf(db, format, span), progress);
    const meta: ImportedMeta = {
      tool: 'Ingero',
      schema: format.version,
      version: lastSession(source, format).version,
      file: source.name,
      bytes: source.bytes,
      sha256,
      rows: {
        events: {
          rows: span.events,
          imported: events.imported,
          wrongTypes: span.wrongTypes,
          wrongTimes: span.wrongTimes,
        },
        causal_chains: { rows: rowsIn(source, format, 'causal_chains'), imported: events.claims },
        system_snapshots: importSnapshots(target, db, format, span),
        annotations: importAnnotations(target, db, format, span, events.people),
      },
      missing: OPTIONAL.filter(table => !format.tables.has(table)),
      hosts: events.people.nodes,
      sessions: rowsIn(source, format, 'sessions'),
    };
    events.people.write(target, db, format);
    writeCoverage(target, span, countedOf(db, format));
    writeMeta(target, source, format, span, meta);
    target.finish();
    return meta;
  } catch (error) {
    target.abandon();
    throw error;
  }
}

const OPTIONAL = ['causal_chains', 'stack_traces', 'process_names', 'sessions', 'event_aggregates'];

function rowsIn({ db }: Source, format: Format, table: string): number {
  if (!format.tables.has(table)) return 0;
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'] ?? 0);
}

interface Session {
  readonly version: string | undefined;
  readonly kernel: string | undefined;
  readonly machine: string | undefined;
  readonly cpus: number | undefined;
  readonly flags: string | undefined;
}

const SESSION = ['ingero_ver', 'kernel', 'cpu_model', 'cpu_cores', 'flags'];

function lastSession({ db }: Source, format: Format): Session {
  let row: Record<string, unknown> = {};
  for (const session of rowsOf(db, format, 'sessions', SESSION)) row = session;
  return {
    version: text(row['ingero_ver']),
    kernel: text(row['kernel']),
    machine: text(row['cpu_model']),
    cpus: count(row['cpu_cores']),
    flags: text(row['flags']),
  };
}

function writeMeta(
  target: Target,
  source: Source,
  format: Format,
  span: SpanOfFile,
  imported: ImportedMeta,
): void {
  const { version, kernel, machine, cpus, flags } = lastSession(source, format);
  const hosts = imported.hosts.slice(0, 8);
  const more = imported.hosts.length - hosts.length;
  target.meta('start_unix_ns', String(span.startNs));
  target.meta('duration_ns', Number(span.endNs - span.startNs));
  target.meta(
    'host',
    hosts.length === 0 ? 'host not recorded' : hosts.join(', ') + (more > 0 ? `, and ${more} more` : ''),
  );
  target.meta('kernel', kernel ?? 'not recorded');
  target.meta('machine', machine ?? 'processor not recorded');
  target.meta('cpus', cpus ?? 0);
  target.meta('collector_version', `Ingero ${version ?? '(version not recorded)'}`);
  target.meta('command_line', flags === undefined ? 'flags not recorded' : `flags ${flags}`);
  target.meta('profile', 'imported');
  target.meta('end_reason', 'imported');
  target.meta('imported', imported);
}
