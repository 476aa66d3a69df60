// Traces of other tools, in the query process: recognised by their tables, and written as traces of ours. One format a
// folder; so far there is Ingero's.

import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fsyncSync, openSync } from 'node:fs';
import { TraceError } from '../error.ts';
import type { Schema } from '../schema.ts';
import { type Format, formatOf } from './ingero/format.ts';
import { type ImportedMeta, importIngero } from './ingero/index.ts';
import type { ImportProgress } from './progress.ts';
import { aboutSource, openSource, type Source } from './source.ts';

/** A file of another tool, as far as a look at it tells. */
export interface Recognised {
  readonly tool: 'Ingero';
  /** Of its tables, where the file says it. */
  readonly version: string | undefined;
  readonly bytes: number;
  readonly events: number;
  readonly claims: number;
}

/** Throws TraceError 'foreign' for a database that is nobody's we know. */
export function recognise(path: string, work: string): Recognised {
  return withSource(path, work, (source, format) => {
    const rows = (table: string): number =>
      format.tables.has(table)
        ? Number(source.db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
        : 0;
    const { tool, version } = format;
    return { tool, version, bytes: source.bytes, events: rows('events'), claims: rows('causal_chains') };
  });
}

export interface ImportJob {
  readonly path: string;
  /** A private folder that is there and empty; the caller removes it. */
  readonly work: string;
  /** Written; must not be there yet. */
  readonly file: string;
}

export async function importForeign(
  { path, work, file }: ImportJob,
  schema: Schema,
  report: (progress: ImportProgress) => Promise<void>,
): Promise<ImportedMeta> {
  const meta = await withSource(path, work, async (source, format) =>
    importIngero(source, format, file, schema, await hashOf(path), report),
  );
  const written = openSync(file, 'r+');
  fsyncSync(written);
  closeSync(written);
  return meta;
}

function withSource<T>(path: string, work: string, use: (source: Source, format: Format) => T): T {
  const source = openSource(path, work);
  let asynchronous = false;
  try {
    const format = formatOf(source.db);
    if (typeof format === 'string') throw stranger(source.name, format);
    const result = use(source, format);
    if (result instanceof Promise) {
      asynchronous = true;
      return result
        .catch(error => {
          throw aboutSource(source.name, error);
        })
        .finally(() => source.db.close()) as T;
    }
    return result;
  } catch (error) {
    throw aboutSource(source.name, error);
  } finally {
    if (!asynchronous) source.db.close();
  }
}

const stranger = (name: string, why: string): TraceError =>
  new TraceError(
    'foreign',
    `${name} is a SQLite database, but neither a trace of Wakechain nor one of Ingero: ${why}.`,
    'Open a file that a capture has made (NAME.wakechain.db), or a database that `ingero trace` has recorded.',
  );

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
