// Whether a database is one of Ingero's, and which columns this one has. Its version numbers were not kept in step with
// its tables, so the tables are asked themselves.

import type { DatabaseSync } from 'node:sqlite';

export interface Format {
  readonly tool: 'Ingero';
  /** As the file says; undefined where it does not. */
  readonly version: string | undefined;
  /** Columns of each plain table that an importer reads. */
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>;
}

const READ = [
  'events',
  'sources',
  'ops',
  'stack_traces',
  'causal_chains',
  'system_snapshots',
  'sessions',
  'process_names',
  'event_aggregates',
  'cgroup_metadata',
  'annotations',
  'schema_info',
] as const;

/** Without one of these a row of `events` says nothing. */
const NEEDED = ['timestamp', 'pid', 'tid', 'source', 'op', 'duration'];

/** The format, or why it is not Ingero's: the end of a sentence. */
export function formatOf(db: DatabaseSync): Format | string {
  const plain = new Map(
    db
      .prepare("SELECT name, type FROM pragma_table_list WHERE schema = 'main'")
      .all()
      .filter(row => row['type'] === 'table')
      .map(row => [String(row['name']), row]),
  );
  const columns = db.prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0');
  const tables = new Map(
    READ.filter(name => plain.has(name)).map(name => [
      name as string,
      new Set(columns.all(name).map(row => String(row['name']))),
    ]),
  );
  for (const table of ['events', 'sources', 'ops']) {
    if (!tables.has(table)) return `it has no table ${table}`;
  }
  const missing = NEEDED.find(name => tables.get('events')?.has(name) !== true);
  if (missing !== undefined) return `its table events has no column ${missing}`;
  return { tool: 'Ingero', version: versionOf(db, tables), tables };
}

function versionOf(db: DatabaseSync, tables: Format['tables']): string | undefined {
  const info = tables.get('schema_info');
  if (info?.has('key') !== true || !info.has('value')) return undefined;
  const value = db.prepare("SELECT value FROM schema_info WHERE key = 'version'").get()?.['value'];
  return typeof value === 'string' && /^[\w.+-]{1,40}$/.test(value) ? value : undefined;
}

/** SELECT list of the wanted columns, NULL for those that this file does not have. */
export function selected(format: Format, table: string, wanted: readonly string[]): string {
  const there = format.tables.get(table);
  return wanted.map(name => (there?.has(name) === true ? name : `NULL AS ${name}`)).join(', ');
}
