// Imports another tool's trace for everyone outside the query process. What is not whole never bears the final name:
// it is built in a private folder beside it, and linked into place at the end, which fails where the name is taken.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, link, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Trace } from '../api.ts';
import { TraceError } from '../error.ts';
import { QueryChild } from '../query/child.ts';
import { openTrace, type TraceOptions } from '../query/client.ts';
import { sniffDatabase } from '../sniff.ts';
import type { Recognised } from './index.ts';
import type { ImportedMeta } from './ingero/index.ts';
import type { ImportProgress } from './progress.ts';

export type { Recognised } from './index.ts';
export type { ImportedMeta } from './ingero/index.ts';
export type { ImportProgress } from './progress.ts';

const MB = 2 ** 20;
/** An hour is enough for a hundred million rows; whoever waits may cancel. */
const LIMITS = { deadlineMs: 3_600_000, residentBytes: 2048 * MB };

export interface ImportOptions {
  /** dist/query.js, or extension/trace/query/main.ts when running from source. */
  readonly queryProgram: string;
  readonly signal?: AbortSignal;
  readonly progress?: (progress: ImportProgress) => void;
}

/** Whose trace a file is. Rejects with TraceError 'foreign' for a database that is nobody's we know. */
export async function recogniseFile(path: string, options: ImportOptions): Promise<Recognised> {
  const file = resolve(path);
  sniffDatabase(file);
  return inProcess(tmpdir(), options, (child, work) =>
    child.call({ method: 'recognise', argument: { path: file, work } }, options.signal),
  ) as Promise<Recognised>;
}

/** As `openTrace`; a file of another tool is refused as 'importable', with a sentence that says whose it is. */
export async function openTraceOrOffer(path: string, options: ImportOptions & TraceOptions): Promise<Trace> {
  try {
    return await openTrace(path, options);
  } catch (error) {
    if (!(error instanceof TraceError) || error.reason !== 'foreign') throw error;
    throw offer(basename(path), await recogniseFile(path, options));
  }
}

/** What a person is told of a file that can be imported. */
export function offer(name: string, { tool, version, events, claims }: Recognised): TraceError {
  const of = version === undefined ? tool : `${tool} (its version ${version})`;
  const causes = claims === 0 ? '' : `, and what it gives as ${claims.toLocaleString('en-US')} causes`;
  return new TraceError(
    'importable',
    `${name} is a trace of ${of}: ${events.toLocaleString('en-US')} events${causes}.`,
    'Import it: Wakechain makes a trace of its own out of it and reads its causes again. The file stays as it is.',
  );
}

/**
 * Imports `path` as the trace `file`, with its SHA-256 beside it. The source is only read. Rejects with a TraceError:
 * 'refused' where the name is taken, 'cancelled'; nothing is left then.
 */
export async function importTrace(path: string, file: string, options: ImportOptions): Promise<ImportedMeta> {
  const [source, target] = [resolve(path), resolve(file)];
  sniffDatabase(source);
  for (const name of [target, `${target}.sha256`]) if (existsSync(name)) throw taken(name);
  return inProcess(dirname(target), options, async (child, work) => {
    const built = join(work, 'trace.db');
    const argument = { path: source, work, file: built };
    const meta = await child.call({ method: 'import', argument }, options.signal, options.progress);
    if (options.signal?.aborted === true) throw new TraceError('cancelled', 'Cancelled.');
    await chmod(built, 0o600);
    await publish(built, target);
    return meta as ImportedMeta;
  });
}

/** A name for the import of `path` in `folder` that is free: NAME.wakechain.db, NAME-2.wakechain.db, ... */
export function freeName(folder: string, path: string): string {
  const stem = basename(path).replace(/(\.wakechain)?\.(db|sqlite3?)$/i, '') || 'trace';
  for (let number = 1; ; number += 1) {
    const file = join(folder, `${stem}${number === 1 ? '' : `-${number}`}.wakechain.db`);
    if (!existsSync(file) && !existsSync(`${file}.sha256`)) return file;
  }
}

/** Runs `use` with a process of its own and a private folder in `parent`; both are gone afterwards. */
async function inProcess<T>(
  parent: string,
  { queryProgram }: ImportOptions,
  use: (child: QueryChild, work: string) => Promise<T>,
): Promise<T> {
  const work = await mkdtemp(join(parent, '.wakechain-import-')).catch(error => {
    throw new TraceError(
      'unreadable',
      `Nothing can be written to ${parent}: ${error instanceof Error ? error.message : String(error)}.`,
      'Choose a folder that you may write to.',
      error,
    );
  });
  const child = new QueryChild({ ...LIMITS, queryProgram, path: undefined });
  try {
    return await use(child, work);
  } finally {
    await child.close();
    await rm(work, { recursive: true, force: true });
  }
}

/** The hash first: a trace that is there has one. */
async function publish(built: string, target: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(built, { highWaterMark: MB })) hash.update(chunk as Buffer);
  const beside = `${target}.sha256`;
  const line = `${hash.digest('hex')}  ${basename(target)}\n`;
  await writeFile(beside, line, { flag: 'wx', mode: 0o600 }).catch(error => {
    throw codeOf(error) === 'EEXIST' ? taken(beside) : error;
  });
  try {
    await link(built, target).catch(error => {
      if (codeOf(error) === 'EEXIST') throw taken(target);
      return withoutLinks(built, target);
    });
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** A file system without hard links: the name is looked at just before. */
async function withoutLinks(built: string, target: string): Promise<void> {
  if (existsSync(target)) throw taken(target);
  await rename(built, target);
}

const taken = (name: string): TraceError =>
  new TraceError('refused', `${name} is there already.`, 'Choose another name; nothing is overwritten.');

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;
