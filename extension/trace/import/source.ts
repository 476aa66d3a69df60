// Opens another tool's database so that not a byte of it changes: read-only, without locks, and guarded like a trace.
//
// A database in write-ahead mode may have its newest rows in a file beside it, and SQLite would fold them in. Such a
// pair is copied to a private folder and read there; one whose -wal is empty holds everything itself.

import { copyFileSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { TraceError, toTraceError } from '../error.ts';
import { guard } from '../guard.ts';
import { APPLICATION_ID, checkJournal, sniffDatabase } from '../sniff.ts';

export interface Source {
  /** The name of the file that was asked for, whatever was read. */
  readonly name: string;
  /** What is read: the file itself, or its private copy. */
  readonly path: string;
  readonly bytes: number;
  readonly db: DatabaseSync;
}

/** No string of another tool's trace is longer: what is, was not written by it. */
const LONGEST_CELL = 16 * 1024 * 1024;

/**
 * `work` is an existing private folder, emptied by the caller afterwards. Throws a TraceError for a file that is no
 * whole SQLite database, or is being written.
 */
export function openSource(path: string, work: string): Source {
  const { bytes, wal, header } = sniffDatabase(path);
  const name = basename(path);
  if (header.readUInt32BE(68) === APPLICATION_ID) {
    throw new TraceError(
      'foreign',
      `${name} is a trace of Wakechain already.`,
      'Open it; there is nothing to import.',
    );
  }
  const real = realpathSync(path);
  checkJournal(real, name);
  const copied = wal && sizeOf(`${real}-wal`) > 0;
  const read = copied ? copyPair(real, work, name) : real;
  const url = pathToFileURL(read);
  if (!copied) {
    url.searchParams.set('mode', 'ro');
    url.searchParams.set('immutable', '1');
  }
  let db: DatabaseSync | undefined;
  try {
    const options = {
      readOnly: !copied,
      defensive: true,
      allowExtension: false,
      enableDoubleQuotedStringLiterals: false,
      limits: { attach: 0, length: LONGEST_CELL, sqlLength: 100_000 },
    };
    db = new DatabaseSync(url, options);
    // Sorting a large file goes through temporary files of SQLite's own, not through memory.
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = FILE');
    db.exec('PRAGMA cache_size = -65536; PRAGMA mmap_size = 0; PRAGMA query_only = ON');
    guard(db);
    return { name, path: read, bytes, db };
  } catch (error) {
    db?.close();
    throw aboutSource(name, error);
  }
}

/** What went wrong with a file that no capture of ours has made. */
export function aboutSource(name: string, error: unknown): TraceError {
  const known = toTraceError(error);
  if ((error as { readonly errcode?: number }).errcode === SQLITE_FULL) {
    return new TraceError('unreadable', 'The disk is full.', 'Make room, then import it again.', error);
  }
  if (known.reason !== 'damaged') return known;
  const what = error instanceof Error ? error.message : String(error);
  return new TraceError('damaged', `${name} is damaged: ${what}.`, 'Copy it from its host again.', error);
}

/** sqlite.org/rescode.html */
const SQLITE_FULL = 13;

/** A copy of the database with its -wal, of one moment: if either changed meanwhile, somebody is writing it. */
function copyPair(real: string, work: string, name: string): string {
  const pair = [real, `${real}-wal`];
  const before = pair.map(stateOf).join();
  const copy = join(work, 'source.db');
  copyFileSync(real, copy);
  copyFileSync(`${real}-wal`, `${copy}-wal`);
  if (pair.map(stateOf).join() !== before) {
    throw new TraceError(
      'unreadable',
      `${name} is being written.`,
      'Stop the tool that records it, then import it again.',
    );
  }
  return copy;
}

function stateOf(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${size} ${mtimeMs}`;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
