// Columns that are filled while rows arrive and sorted by thread afterwards. No object is made for a row, and of all columns
// one at a time is there twice: ten million rows must fit.

/** Rows of a column whose number is not known beforehand. */
const FIRST = 256;

type Numbers = Float64Array | Int32Array | Int16Array | Uint8Array;

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
const shorts: Kind<Int16Array> = {
  make: length => new Int16Array(length),
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

/** Columns that are no longer needed as they were: the next one of their kind is sorted into them. */
export class Spares {
  readonly #kept = new Map<unknown, Numbers>();

  give<T extends Numbers>(kind: Kind<T>, column: T): void {
    this.#kept.set(kind, column);
  }

  /** A column of at least that many rows; what it holds is of no meaning. */
  take<T extends Numbers>(kind: Kind<T>, rows: number): T {
    const kept = this.#kept.get(kind) as T | undefined;
    if (kept === undefined || kept.length < rows) return kind.make(rows);
    this.#kept.delete(kind);
    return kept;
  }

  /** Gives their memory back now; a garbage collector would leave hundreds of megabytes of it for later. */
  free(): void {
    for (const { buffer } of this.#kept.values()) if (buffer instanceof ArrayBuffer) buffer.transfer(0);
    this.#kept.clear();
  }
}

/** A growing column of numbers; `take()` and `sort()` give it up as a typed array of exactly the rows it has. */
export class Growing<T extends Numbers> {
  readonly #kind: Kind<T>;
  #data: T;
  #rows = 0;

  /** `expected` rows have room from the start. */
  constructor(kind: Kind<T>, expected = FIRST) {
    this.#kind = kind;
    this.#data = kind.make(expected);
  }

  get length(): number {
    return this.#rows;
  }

  push(value: number): void {
    if (this.#rows === this.#data.length) {
      const wider = this.#kind.make(Math.max(FIRST, this.#rows * 2));
      wider.set(this.#data);
      this.#data = wider;
    }
    this.#data[this.#rows++] = value;
  }

  /** In the order the rows came. */
  take(): T {
    const data = this.#data;
    this.#data = this.#kind.make(0);
    return exactly(data, this.#rows);
  }

  /** The same; the column stays. */
  get values(): T {
    return exactly(this.#data, this.#rows);
  }

  /** Each row at its place of `places`. What it was goes to `spares`, and may be what the next column becomes. */
  sort(places: Int32Array, spares: Spares): T {
    const sorted = spares.take(this.#kind, this.#rows);
    const data = this.take();
    this.#kind.scatter(data, places, sorted);
    spares.give(this.#kind, data);
    return exactly(sorted, this.#rows);
  }
}

const exactly = <T extends Numbers>(column: T, rows: number): T =>
  column.length === rows ? column : (column.subarray(0, rows) as T);

/** Whole numbers that are nearly always small, in as few bytes as all of a column need. */
export type Ids = Int16Array | Int32Array | Float64Array;

/** A cell of `scan` as an id; -1 for NULL and for what is none. */
export const idOf = (cell: number | undefined): number => (Number.isFinite(cell) ? (cell as number) : -1);

/** A growing column of such numbers: in two bytes each, or four, for as long as all of them fit. */
export class GrowingIds {
  readonly #expected: number;
  #narrow: Growing<Int16Array> | undefined;
  #small: Growing<Int32Array> | undefined;
  #large: Growing<Float64Array> | undefined;

  /** `few`: different ones are few, so two bytes are likely to do. */
  constructor(expected = FIRST, few = false) {
    this.#expected = expected;
    if (few) this.#narrow = new Growing(shorts, expected);
    else this.#small = new Growing(integers, expected);
  }

  push(id: number): void {
    if (this.#narrow !== undefined) {
      if (id === (id << 16) >> 16) {
        this.#narrow.push(id);
        return;
      }
      this.#small = widened(this.#narrow.take(), integers, this.#expected);
      this.#narrow = undefined;
    }
    if (this.#small !== undefined) {
      if (id === (id | 0)) {
        this.#small.push(id);
        return;
      }
      this.#large = widened(this.#small.take(), doubles, this.#expected);
      this.#small = undefined;
    }
    this.#large?.push(id);
  }

  take(): Ids {
    return (this.#large ?? this.#small ?? this.#narrow)?.take() ?? new Int32Array(0);
  }

  sort(places: Int32Array, spares: Spares): Ids {
    return (this.#large ?? this.#small ?? this.#narrow)?.sort(places, spares) ?? new Int32Array(0);
  }
}

function widened<T extends Numbers>(ids: Numbers, kind: Kind<T>, expected: number): Growing<T> {
  const wider = new Growing(kind, Math.max(expected, ids.length * 2));
  for (const id of ids) wider.push(id);
  return wider;
}

/** Rows grouped by a small key: the rows of key k are `order[offsets[k]] .. order[offsets[k + 1] - 1]`. */
export interface Groups {
  readonly offsets: Int32Array;
  readonly order: Int32Array;
}

/** Groups rows by key (0 <= key < keys; others are left out), each group ascending by `start`, ties in row order. */
export function groupBy(key: Ids, keys: number, start: Float64Array): Groups {
  const offsets = offsetsOf(key, keys);
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

function offsetsOf(key: Ids, keys: number): Int32Array {
  const offsets = new Int32Array(keys + 1);
  for (let row = 0; row < key.length; row++) {
    const k = key[row] as number;
    if (k >= 0 && k < keys) offsets[k + 1] = (offsets[k + 1] as number) + 1;
  }
  for (let k = 0; k < keys; k++) offsets[k + 1] = (offsets[k + 1] as number) + (offsets[k] as number);
  return offsets;
}

function ascending(rows: Int32Array, start: Float64Array): boolean {
  for (let i = 1; i < rows.length; i++) {
    if ((start[rows[i - 1] as number] as number) > (start[rows[i] as number] as number)) return false;
  }
  return true;
}

/** Notices, while rows come, whether those of each key ascend by time; then nothing has to be sorted. */
export class Arrivals {
  readonly #last: number[] = [];
  #ascend = true;

  add(key: number, startNs: number): void {
    if (startNs < (this.#last[key] ?? Number.NEGATIVE_INFINITY)) this.#ascend = false;
    this.#last[key] = startNs;
  }

  /** Where each row goes, so that the rows of key k, by time, are offsets[k] .. offsets[k + 1] - 1. */
  places(
    key: Int32Array,
    keys: number,
    start: Growing<Float64Array>,
  ): { readonly offsets: Int32Array; readonly places: Int32Array } {
    const places = new Int32Array(key.length);
    if (!this.#ascend) {
      const { offsets, order } = groupBy(key, keys, start.values);
      for (let i = 0; i < order.length; i++) places[order[i] as number] = i;
      return { offsets, places };
    }
    const offsets = offsetsOf(key, keys);
    const next = offsets.slice(0, keys);
    for (let row = 0; row < key.length; row++) {
      const k = key[row] as number;
      places[row] = next[k] as number;
      next[k] = (next[k] as number) + 1;
    }
    return { offsets, places };
  }
}

/** The key of each row, where the rows of key k are offsets[k] .. offsets[k + 1] - 1. */
export function keysOf(offsets: Int32Array): Keys {
  const rows = offsets.at(-1) ?? 0;
  const keys = offsets.length <= MOST_SHORT ? new Int16Array(rows) : new Int32Array(rows);
  for (let key = 0; key + 1 < offsets.length; key++) keys.fill(key, offsets[key], offsets[key + 1]);
  return keys;
}

/** Places of threads, CPUs, functions: two bytes each where so many are enough. */
export type Keys = Int16Array | Int32Array;
const MOST_SHORT = 32_767;
