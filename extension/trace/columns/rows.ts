// Columns that are filled while rows arrive and sorted by thread afterwards. No object is made for a row: ten million
// of them must fit.

/** A growing column of numbers; `take()` gives it up as a typed array of exactly the rows it has. */
export class Growing<T extends Float64Array | Int32Array | Uint8Array> {
  #data: T;
  #length = 0;
  readonly #make: (length: number) => T;

  constructor(make: (length: number) => T, expected: number) {
    this.#make = make;
    this.#data = make(Math.max(16, expected));
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#data.length) {
      const wider = this.#make(this.#data.length * 2);
      wider.set(this.#data);
      this.#data = wider;
    }
    this.#data[this.#length++] = value;
  }

  take(): T {
    const exact = this.#data.length === this.#length ? this.#data : (this.#data.slice(0, this.#length) as T);
    this.#data = this.#make(0);
    return exact;
  }
}

export const doubles = (length: number): Float64Array => new Float64Array(length);
export const integers = (length: number): Int32Array => new Int32Array(length);
export const bytes = (length: number): Uint8Array => new Uint8Array(length);

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

/** The column in the order of `order`. */
export function reorder<T extends Float64Array | Int32Array | Uint8Array>(column: T, order: Int32Array): T {
  const sorted = new (column.constructor as new (length: number) => T)(order.length);
  for (let i = 0; i < order.length; i++) sorted[i] = column[order[i] as number] as number;
  return sorted;
}
