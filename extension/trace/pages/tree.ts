// Walks one b-tree of a file in key order and hands over each page that holds rows. A table with row ids has them in its
// leaves alone; one WITHOUT ROWID is an index whose inner pages hold rows too, each between two of their children.

import { damaged } from '../error.ts';
import type { PageFile } from './file.ts';

/** First byte of a page. */
const INDEX_INNER = 2;
const TABLE_INNER = 5;
const INDEX_LEAF = 10;
const TABLE_LEAF = 13;

/** Pages that lie one after the other are read together, this many at most. */
const RUN = 128;
/** No tree is deeper: 20 levels of 2 children hold a million pages. */
const DEEPEST = 20;

/** A page of rows, at `offset` of `bytes`. `pointers` is where its cell pointers begin; a cell's content, at `skip`. */
export type Visit = (page: {
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Of the cells to take: all of a leaf, one of an inner page. */
  readonly from: number;
  readonly to: number;
  /** Bytes from the page's begin to its cell pointers. */
  readonly pointers: number;
  /** Bytes before a cell's own content: the child's number of an inner page. */
  readonly skip: number;
}) => void;

/** `rowIds`: the tree is that of a table with row ids. */
export function walk(file: PageFile, root: number, rowIds: boolean, visit: Visit): void {
  new Walk(file, rowIds, visit).page(root);
}

class Walk {
  readonly #file: PageFile;
  readonly #visit: Visit;
  readonly #leaf: number;
  readonly #inner: number;
  /** How deep the leaves lie: all of a tree at the same depth. */
  #leafDepth: number | undefined;
  /** Pages met so far: in a sound tree each is met once. */
  #met = 0;

  constructor(file: PageFile, rowIds: boolean, visit: Visit) {
    this.#file = file;
    this.#visit = visit;
    this.#leaf = rowIds ? TABLE_LEAF : INDEX_LEAF;
    this.#inner = rowIds ? TABLE_INNER : INDEX_INNER;
  }

  page(root: number): void {
    const bytes = new Uint8Array(this.#file.pageBytes);
    this.#file.read(bytes, root);
    this.#one(bytes, 0, 0);
  }

  #one(bytes: Uint8Array, offset: number, depth: number): void {
    if (++this.#met > this.#file.pages || depth > DEEPEST)
      throw damaged('its pages refer to each other in a circle');
    const kind = bytes[offset];
    const cells = word(bytes, offset + 3);
    if (kind === this.#leaf) {
      this.#check(cells, 8);
      this.#leafDepth ??= depth;
      // An empty table is one empty leaf; no other leaf is empty.
      if (this.#leafDepth !== depth || (cells === 0 && depth > 0))
        throw damaged('a page of rows is where none belongs');
      this.#visit({ bytes, offset, from: 0, to: cells, pointers: 8, skip: 0 });
    } else if (kind === this.#inner) {
      this.#check(cells, 12);
      const between = kind === INDEX_INNER ? { bytes, offset } : undefined;
      this.#children(childrenOf(bytes, offset, cells, this.#file.pageBytes), between, depth);
    } else {
      throw damaged('a page of rows is of another kind than its table');
    }
  }

  #check(cells: number, header: number): void {
    if (header + 2 * cells > this.#file.usableBytes) throw damaged('a page holds more rows than fit');
  }

  #children(
    children: Uint32Array,
    between: { readonly bytes: Uint8Array; readonly offset: number } | undefined,
    depth: number,
  ): void {
    const { pageBytes } = this.#file;
    // Siblings of one kind: leaves are read in runs, inner pages keep theirs while their children are walked.
    let run = new Uint8Array(0);
    for (let first = 0; first < children.length; ) {
      let end = first + 1;
      while (
        end < children.length &&
        end - first < RUN &&
        children[end] === (children[end - 1] as number) + 1
      )
        end++;
      const bytes = (end - first) * pageBytes;
      if (run.length < bytes) run = new Uint8Array(bytes);
      const read = run.subarray(0, bytes);
      this.#file.read(read, children[first] as number);
      for (let child = first; child < end; child++) {
        this.#one(read, (child - first) * pageBytes, depth + 1);
        if (between !== undefined && child < children.length - 1) {
          this.#visit({ ...between, from: child, to: child + 1, pointers: 12, skip: 4 });
        }
      }
      first = end;
    }
  }
}

function childrenOf(bytes: Uint8Array, offset: number, cells: number, pageBytes: number): Uint32Array {
  const children = new Uint32Array(cells + 1);
  for (let cell = 0; cell < cells; cell++) {
    const at = word(bytes, offset + 12 + 2 * cell);
    if (at + 4 > pageBytes) throw damaged('a page refers to beyond its end');
    children[cell] = long(bytes, offset + at);
  }
  children[cells] = long(bytes, offset + 8);
  return children;
}

/** Big-endian, two bytes. */
export const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 8) | (bytes[at + 1] as number);

/** Big-endian, four bytes. */
export const long = (bytes: Uint8Array, at: number): number =>
  ((word(bytes, at) << 16) | word(bytes, at + 2)) >>> 0;
