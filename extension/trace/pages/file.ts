// A trace's file as pages (sqlite.org/fileformat2.html): what its header says of them, and runs of them read at once.
// Kept open as long as the database, so that both read the same file whatever happens to its name.

import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { damaged, TraceError } from '../error.ts';

const HEADER_BYTES = 100;
const UTF8 = 1;

export interface PageFile {
  readonly pageBytes: number;
  /** Bytes of a page that hold content: an extension of SQLite may reserve the last ones. */
  readonly usableBytes: number;
  readonly pages: number;
  /** Fills `into` with as many whole pages as it holds, from page `first` (counted from 1) on. */
  read(into: Uint8Array, first: number): void;
  /** Throws TraceError 'damaged' where somebody has written to the file since it was opened. */
  unchanged(): void;
  /** Whether `path` still names this file: what was opened by that name meanwhile is the same one. */
  is(path: string): boolean;
  close(): void;
}

/** Undefined for a file whose texts are not UTF-8; no collector writes one, and SQLite still reads it. */
export function openPages(path: string): PageFile | undefined {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(file, header, 0, HEADER_BYTES, 0);
    const raw = header.readUInt16BE(16);
    const pageBytes = raw === 1 ? 65_536 : raw;
    const { dev, ino, size, mtimeNs } = fstatSync(file, { bigint: true });
    const pages = pageBytes === 0 ? 0 : Math.floor(Number(size) / pageBytes);
    if (header.readUInt32BE(56) !== UTF8 || pages === 0) {
      closeSync(file);
      return undefined;
    }
    return {
      pageBytes,
      usableBytes: pageBytes - header.readUInt8(20),
      pages,
      read: (into, first) => {
        const position = (first - 1) * pageBytes;
        if (first < 1 || readSync(file, into, 0, into.length, position) !== into.length) {
          throw damaged(`it refers to page ${first}, which is not there`);
        }
      },
      unchanged: () => {
        const now = fstatSync(file, { bigint: true });
        if (now.size === size && now.mtimeNs === mtimeNs) return;
        throw new TraceError(
          'damaged',
          'The trace was changed by another program while it was open.',
          'Wait until nothing writes to it, then open it again.',
        );
      },
      is: path => {
        const named = statSync(path, { bigint: true });
        return named.dev === dev && named.ino === ino;
      },
      close: () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

const files = new WeakMap<DatabaseSync, PageFile>();

/** Lets `scan` read `db` by its pages. */
export function keepPages(db: DatabaseSync, file: PageFile): void {
  files.set(db, file);
}

export const pagesOf = (db: DatabaseSync): PageFile | undefined => files.get(db);
