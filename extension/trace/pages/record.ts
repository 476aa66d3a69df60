// One row as SQLite stores it: a header of serial types (one for each column: how long it is, and of what kind), then the
// columns. Only the asked ones are decoded, as numbers, into cells that are used again for the next row.

import { damaged } from '../error.ts';

/** Bytes of a column by its serial type; 10 and 11 are reserved, from 12 on it is a blob or a text. */
const FIXED_BYTES = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0);
const FIRST_TEXT = 12;

/** A cell that is NULL. */
export const NOTHING = Number.NaN;
/** A cell that is no integer within +-(2^53 - 1). */
export const UNUSABLE = Number.POSITIVE_INFINITY;

/** What to take of each row, by its place among the stored columns. */
export interface Wanted {
  /** Place of each cell's column. */
  readonly places: readonly number[];
  /** Place of the column that stands for the row id, whatever is stored there (NULL, mostly); -1 where there is none. */
  readonly rowIdPlace: number;
  /** One cell more: 1 where the text of the column at `place` holds `text`, else 0. */
  readonly contains: { readonly place: number; readonly text: string } | undefined;
}

export class RecordReader {
  readonly cells: Float64Array;
  /** Cell of each stored column, -1 for those not asked for. */
  readonly #cellOf: Int32Array;
  readonly #rowIdCell: number;
  readonly #textPlace: number;
  readonly #text: Buffer;

  constructor({ places, rowIdPlace, contains }: Wanted) {
    const last = Math.max(...places, contains?.place ?? -1);
    this.#cellOf = new Int32Array(last + 1).fill(-1);
    for (const [cell, place] of places.entries()) this.#cellOf[place] = cell;
    this.#rowIdCell = rowIdPlace < 0 ? -1 : places.indexOf(rowIdPlace);
    this.#textPlace = contains?.place ?? -1;
    this.#text = Buffer.from(contains?.text ?? '', 'utf8');
    this.cells = new Float64Array(places.length + (contains === undefined ? 0 : 1));
  }

  /** Fills `cells` from the record in bytes[at, end). */
  read(bytes: Uint8Array, at: number, end: number, rowId: number): void {
    const cells = this.cells;
    const cellOf = this.#cellOf;
    let head = at;
    let byte = bytes[head++] as number;
    let headBytes = byte & 127;
    while (byte > 127 && head < end) {
      byte = bytes[head++] as number;
      headBytes = headBytes * 128 + (byte & 127);
    }
    const bodyStart = at + headBytes;
    if (bodyStart > end || head > bodyStart) throw damaged('a row is longer than its place');
    let body = bodyStart;
    if (this.#textPlace >= 0) cells[cells.length - 1] = 0;
    for (let place = 0; place < cellOf.length; place++) {
      const cell = cellOf[place] as number;
      if (head >= bodyStart) {
        // A row that was written before the column was added to its table.
        if (cell >= 0) cells[cell] = NOTHING;
        continue;
      }
      byte = bytes[head++] as number;
      let kind = byte & 127;
      while (byte > 127 && head < bodyStart) {
        byte = bytes[head++] as number;
        kind = kind * 128 + (byte & 127);
      }
      const length = kind < FIRST_TEXT ? (FIXED_BYTES[kind] as number) : Math.floor((kind - FIRST_TEXT) / 2);
      if (body + length > end) throw damaged('a row is longer than its place');
      if (cell >= 0) cells[cell] = kind === 0 ? NOTHING : integer(bytes, body, kind);
      if (place === this.#textPlace && kind > FIRST_TEXT && kind % 2 === 1) {
        const text = Buffer.from(bytes.buffer, bytes.byteOffset + body, length);
        cells[cells.length - 1] = text.includes(this.#text) ? 1 : 0;
      }
      body += length;
    }
    const own = this.#rowIdCell;
    if (own >= 0) cells[own] = rowId;
  }
}

function integer(bytes: Uint8Array, at: number, kind: number): number {
  switch (kind) {
    case 1:
      return ((bytes[at] as number) << 24) >> 24;
    case 2:
      return (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number);
    case 3:
      return (
        (((bytes[at] as number) << 24) >> 8) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
      );
    case 4:
      return signed(bytes, at);
    case 5:
      return (
        ((((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number)) * 2 ** 32 +
        (signed(bytes, at + 2) >>> 0)
      );
    case 6: {
      const value = signed(bytes, at) * 2 ** 32 + (signed(bytes, at + 4) >>> 0);
      return Number.isSafeInteger(value) ? value : UNUSABLE;
    }
    case 7: {
      // A real number: in a column of ours only where somebody else wrote the file.
      const value = new DataView(bytes.buffer, bytes.byteOffset + at, 8).getFloat64(0);
      return Number.isSafeInteger(value) ? value + 0 : UNUSABLE;
    }
    case 8:
      return 0;
    case 9:
      return 1;
    default:
      return UNUSABLE;
  }
}

const signed = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);
