// The cells of a page: where each row's record lies. Nearly always whole on the page; one that is too long goes on in a
// chain of overflow pages and is put together first.

import { damaged } from '../error.ts';
import type { PageFile } from './file.ts';
import { type RecordReader, UNUSABLE } from './record.ts';
import { long, type Visit, word } from './tree.ts';

/** No row is longer, for SQLite neither (open.ts): command lines and details are some kilobytes. */
export const LONGEST_BYTES = 16 * 1024 * 1024;

/** Reads every row of the pages it is given into `reader`, and calls `row` for it. */
export function rowReader(
  file: PageFile,
  reader: RecordReader,
  hasRowIds: boolean,
  row: (cells: Float64Array) => void,
): Visit {
  const { usableBytes } = file;
  const { cells } = reader;
  const chains = new Chains(file);
  // sqlite.org/fileformat2.html, "Cell payload overflow pages".
  const most = hasRowIds ? usableBytes - 35 : Math.floor(((usableBytes - 12) * 64) / 255) - 23;
  const least = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
  const localOf = (bytes: number): number => {
    if (bytes <= most) return bytes;
    const local = least + ((bytes - least) % (usableBytes - 4));
    return local <= most ? local : least;
  };

  /** Row ids ascend in a sound table: what was put elsewhere, or is there twice, is noticed by that. */
  let before = Number.NEGATIVE_INFINITY;
  return ({ bytes, offset, from, to, pointers, skip }) => {
    const end = offset + usableBytes;
    for (let cell = from; cell < to; cell++) {
      let at = offset + word(bytes, offset + pointers + 2 * cell) + skip;
      let byte = bytes[at++] as number;
      let length = byte & 127;
      while (byte > 127 && at < end) {
        byte = bytes[at++] as number;
        length = length * 128 + (byte & 127);
      }
      let rowId = UNUSABLE;
      if (hasRowIds) {
        const start = at;
        byte = bytes[at++] as number;
        rowId = byte & 127;
        while (byte > 127 && at < end && at - start < 8) {
          byte = bytes[at++] as number;
          rowId = rowId * 128 + (byte & 127);
        }
        if (byte > 127) {
          at = start + 9;
          rowId = longRowId(bytes, start);
        } else if (rowId > Number.MAX_SAFE_INTEGER) {
          rowId = UNUSABLE;
        }
        if (rowId <= before && rowId !== UNUSABLE) throw damaged('its rows are not in order');
        before = rowId === UNUSABLE ? before : rowId;
      }
      if (length > LONGEST_BYTES) throw damaged(`a row is longer than ${LONGEST_BYTES >> 20} MB`);
      const local = localOf(length);
      if (at + local > end) throw damaged('a row is longer than its page');
      if (local === length) {
        reader.read(bytes, at, at + length, rowId);
      } else {
        const whole = chains.together(bytes.subarray(at, at + local + 4), length);
        reader.read(whole, 0, length, rowId);
      }
      row(cells);
    }
  };
}

/** A row id of nine bytes: seven bits of each of the first eight, all of the last. Negative ones are stored so. */
function longRowId(bytes: Uint8Array, at: number): number {
  let value = 0n;
  for (let i = 0; i < 8; i++) value = (value << 7n) | BigInt((bytes[at + i] as number) & 127);
  value = BigInt.asIntN(64, (value << 8n) | BigInt(bytes[at + 8] as number));
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : UNUSABLE;
}

/** Puts together records whose first part is followed by the number of the page with the next. */
class Chains {
  readonly #file: PageFile;
  readonly #page: Uint8Array;
  #whole = new Uint8Array(0);
  /** Pages that may still follow: in a sound file each belongs to one row. */
  #left: number;

  constructor(file: PageFile) {
    this.#file = file;
    this.#page = new Uint8Array(file.pageBytes);
    this.#left = file.pages;
  }

  /** Valid until the next one is put together. */
  together(first: Uint8Array, length: number): Uint8Array {
    const { usableBytes } = this.#file;
    let done = first.length - 4;
    const pages = Math.ceil((length - done) / (usableBytes - 4));
    this.#left -= pages;
    if (this.#left < 0) throw damaged('its rows are longer than the whole file');
    if (this.#whole.length < length) this.#whole = new Uint8Array(length);
    this.#whole.set(first.subarray(0, done));
    let next = long(first, done);
    while (done < length) {
      this.#file.read(this.#page, next);
      const part = Math.min(length - done, usableBytes - 4);
      this.#whole.set(this.#page.subarray(4, 4 + part), done);
      done += part;
      next = long(this.#page, 0);
    }
    return this.#whole;
  }
}
