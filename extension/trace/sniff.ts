// Looks at a file before SQLite does, so that a wrong file gets a sentence of its own and SQLite never meets one that
// it would repair, checkpoint or lock. Reads the 100 bytes of the header (sqlite.org/fileformat.html) and writes nothing.

import { closeSync, constants, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { damaged, TraceError } from './error.ts';

/** 'WAKE': PRAGMA application_id of schema.sql. */
export const APPLICATION_ID = 0x57414b45;
/** PRAGMA user_version of schema.sql: the newest schema that this code reads. */
export const SCHEMA_VERSION = 1;

const HEADER_BYTES = 100;
const MAGIC = Buffer.from('SQLite format 3\0', 'latin1');

export interface Sniffed {
  readonly bytes: number;
  readonly schemaVersion: number;
}

/** Returns what the header says of a sound trace; throws a TraceError with the reason for anything else. */
export function sniff(path: string): Sniffed {
  const { header, bytes, wal } = sniffDatabase(path);
  const name = basename(path);
  checkKind(header, name);
  if (wal) {
    throw new TraceError(
      'wal',
      `${name} is in write-ahead mode: its newest part may be in another file, and reading it would change it.`,
      'Finish it where it was made: sqlite3 FILE "PRAGMA journal_mode=DELETE", then copy it again.',
    );
  }
  checkJournal(path, name);
  return { bytes, schemaVersion: header.readUInt32BE(60) };
}

export interface SniffedDatabase {
  readonly header: Buffer;
  readonly bytes: number;
  /** In write-ahead mode: its newest part may be in the file beside it whose name ends in -wal. */
  readonly wal: boolean;
}

/** The header of any whole SQLite database, ours or not; throws a TraceError for anything else. */
export function sniffDatabase(path: string): SniffedDatabase {
  const { header, bytes } = readHeader(path);
  const name = basename(path);
  if (bytes === 0) {
    throw new TraceError(
      'empty',
      `${name} is empty.`,
      'The copy may have failed: pull the trace from the host again.',
    );
  }
  if (!header.subarray(0, MAGIC.length).equals(MAGIC.subarray(0, header.length))) {
    throw new TraceError(
      'not_a_database',
      `${name} is not a trace: it is not a SQLite database.`,
      'Open a file that a capture has made; their names end in .wakechain.db.',
    );
  }
  if (header.length < HEADER_BYTES) throw truncated(name, bytes, undefined);
  const pageSize = pageSizeOf(header);
  if (pageSize === undefined) throw damaged('its header names a page size that does not exist');
  const pages = pagesOf(header);
  if (pages !== undefined && pages * pageSize > bytes) throw truncated(name, bytes, pages * pageSize);
  if (bytes % pageSize !== 0) throw truncated(name, bytes, Math.ceil(bytes / pageSize) * pageSize);
  return { header, bytes, wal: header[18] === 2 || header[19] === 2 };
}

/** A rollback journal beside a database means that a write to it was cut short. */
export function checkJournal(path: string, name: string): void {
  if (existsSync(`${path}-journal`)) {
    throw new TraceError(
      'damaged',
      `${name} was not finished: a write to it was cut short (its journal is still beside it).`,
      'Wait until the capture has ended, or pull the trace from the host again.',
    );
  }
}

function checkKind(header: Buffer, name: string): void {
  if (header.readUInt32BE(68) !== APPLICATION_ID) {
    throw new TraceError(
      'foreign',
      `${name} is a SQLite database, but not a trace of Wakechain.`,
      'Open a file that a capture has made; their names end in .wakechain.db.',
    );
  }
  const version = header.readUInt32BE(60);
  if (version > SCHEMA_VERSION) {
    throw new TraceError(
      'newer',
      `${name} was made by a newer Wakechain: its schema is version ${version}, this one reads up to ${SCHEMA_VERSION}.`,
      'Update the extension.',
    );
  }
  if (version === 0) throw damaged('its header names no schema version');
}

function readHeader(path: string): { header: Buffer; bytes: number } {
  let file: number | undefined;
  try {
    // Asked before it is opened: opening a pipe would wait for a writer.
    const kind = statSync(path);
    if (!kind.isFile()) {
      const what = kind.isDirectory() ? 'a folder' : 'not a regular file';
      throw new TraceError('unreadable', `${basename(path)} is ${what}.`, 'Choose a trace file.');
    }
    file = openSync(path, constants.O_RDONLY);
    const header = Buffer.alloc(HEADER_BYTES);
    const read = readSync(file, header, 0, HEADER_BYTES, 0);
    return { header: header.subarray(0, read), bytes: fstatSync(file).size };
  } catch (error) {
    if (error instanceof TraceError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new TraceError(
        'not_found',
        `There is no file ${path}.`,
        'It may have been moved or deleted.',
        error,
      );
    }
    throw new TraceError(
      'unreadable',
      `${basename(path)} cannot be read: ${code === 'EACCES' || code === 'EPERM' ? 'you have no permission' : message}.`,
      'Check who owns the file and its mode.',
      error,
    );
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function truncated(name: string, bytes: number, whole: number | undefined): TraceError {
  const of = whole === undefined ? 'less than a header' : `${bytes} of at least ${whole} bytes`;
  return new TraceError(
    'truncated',
    `${name} is incomplete: ${of} are there.`,
    'The copy was cut short: pull the trace from the host again.',
  );
}

function pageSizeOf(header: Buffer): number | undefined {
  const raw = header.readUInt16BE(16);
  if (raw === 1) return 65_536;
  return raw >= 512 && raw <= 32_768 && (raw & (raw - 1)) === 0 ? raw : undefined;
}

/** The page count of the header, where it is current: the change counter and the counter it was valid for agree. */
function pagesOf(header: Buffer): number | undefined {
  const pages = header.readUInt32BE(28);
  return pages > 0 && header.readUInt32BE(24) === header.readUInt32BE(92) ? pages : undefined;
}
