// Columns that are filled while rows arrive and sorted by thread afterwards. No object is made for a row, and no column is
// ever there twice whole: ten million rows must fit.

const CHUNK = 65_536;
/** A small trace has small columns. */
const FIRST = 256;

type Numbers = Float64Array | Int32Array | Uint8Array;

/** What a column is made of. `scatter` writes each value to its place; one loop a kind, or V8 makes slow code of it. */
interface Kind<T extends Numbers> {
  make(length: number): T;
  scatter(values: T, places: Int32Array, into: T): void;
}

export const doubles: Kind<Float64Array> = {
  make: length => new Float64Array(length),
  scatter: (values, places, into) => {
    for (let i = 0; i < places.length; i++) into[places[i] as number] = values[i] as number;
  },
};
export const integers: Kind<Int32Array> = {
  make: length => new Int32Array(length),
  scatter: (values, places, into) => {
    for (let i = 0; i < places.length; i++) into[places[i] as number] = values[i] as number;
  },
};
export const bytes: Kind<Uint8Array> = {
  make: length => new Uint8Array(length),
  scatter: (values, places, into) => {
    for (let i = 0; i < places.length; i++) into[places[i] as number] = values[i] as number;
  },
};

/** A growing column of numbers; `take()` gives it up as a typed array of exactly the rows it has. */
export class Growing<T extends Numbers> {
  readonly #kind: Kind<T>;
  #chunks: T[] = [];
  #last: T;
  #used = 0;

  constructor(kind: Kind<T>) {
    this.#kind = kind;
    this.#last = kind.make(FIRST);
    this.#chunks.push(this.#last);
  }

  get length(): number {
    return (this.#chunks.length - 1) * CHUNK + this.#used;
  }

  push(value: number): void {
    if (this.#used === this.#last.length) this.#grow();
    this.#last[this.#used++] = value;
  }

  #grow(): void {
    if (this.#used < CHUNK) {
      const wider = this.#kind.make(this.#used * 4);
      wider.set(this.#last);
      this.#last = wider;
      this.#chunks[this.#chunks.length - 1] = wider;
      return;
    }
    this.#last = this.#kind.make(CHUNK);
    this.#chunks.push(this.#last);
    this.#used = 0;
  }

  /** In the order the rows came, or each row at its place of `places`. */
  take(places?: Int32Array): T {
    const rows = this.length;
    const taken = this.#kind.make(rows);
    for (const [i, chunk] of this.#chunks.entries()) {
      const first = i * CHUNK;
      const end = Math.min(rows, first + CHUNK);
      if (places === undefined) taken.set(chunk.subarray(0, end - first), first);
      else this.#kind.scatter(chunk, places.subarray(first, end), taken);
    }
    this.#chunks = [];
    return taken;
  }
}

/** Ids of a table: nearly always small, and then they take half the room. */
export type Ids = Int32Array | Float64Array;

/** A cell of `scan` as an id; -1 for NULL and for what is none. */
export const idOf = (cell: number | undefined): number => (Number.isFinite(cell) ? (cell as number) : -1);

/** A growing column of ids, in four bytes each for as long as all of them fit. */
export class GrowingIds {
  #small = new Growing(integers);
  #large: Growing<Float64Array> | undefined;

  push(id: number): void {
    if (this.#large === undefined && id === (id | 0)) {
      this.#small.push(id);
      return;
    }
    this.#large ??= widened(this.#small.take());
    this.#large.push(id);
  }

  take(places?: Int32Array): Ids {
    return (this.#large ?? this.#small).take(places);
  }
}

function widened(ids: Int32Array): Growing<Float64Array> {
  const large = new Growing(doubles);
  for (const id of ids) large.push(id);
  return large;
}

/** Rows grouped by a small key: the rows of key k are `order[offsets[k]] .. order[offsets[k + 1] - 1]`. */
export interface Groups {
  readonly offsets: Int32Array;
  readonly order: Int32Array;
}

/** Groups rows by key (0 <= key < keys; others are left out), each group ascending by `start`, ties in row order. */
export function groupBy(key: Int32Array, keys: number, start: Float64Array): Groups {
  const offsets = new Int32Array(keys + 1);
  for (let row = 0; row < key.length; row++) {
    const k = key[row] as number;
    if (k >= 0 && k < keys) offsets[k + 1] = (offsets[k + 1] as number) + 1;
  }
  for (let k = 0; k < keys; k++) offsets[k + 1] = (offsets[k + 1] as number) + (offsets[k] as number);
  const order = new Int32Array(offsets[keys] as number);
  const next = offsets.slice(0, keys);
  for (let row = 0; row < key.length; row++) {
    const k = key[row] as number;
    if (k < 0 || k >= keys) continue;
    const place = next[k] as number;
    order[place] = row;
    next[k] = place + 1;
  }
  for (let k = 0; k < keys; k++) {
    const group = order.subarray(offsets[k] as number, offsets[k + 1] as number);
    if (!ascending(group, start)) group.sort((a, b) => (start[a] as number) - (start[b] as number) || a - b);
  }
  return { offsets, order };
}

function ascending(rows: Int32Array, start: Float64Array): boolean {
  for (let i = 1; i < rows.length; i++) {
    if ((start[rows[i - 1] as number] as number) > (start[rows[i] as number] as number)) return false;
  }
  return true;
}

/** Where each row goes so that the rows stand in `order`. */
export function placesOf(order: Int32Array): Int32Array {
  const places = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) places[order[i] as number] = i;
  return places;
}

/** The column with each row at its place. */
export function reorder<T extends Numbers>(kind: Kind<T>, column: T, places: Int32Array): T {
  const sorted = kind.make(places.length);
  kind.scatter(column, places, sorted);
  return sorted;
}
