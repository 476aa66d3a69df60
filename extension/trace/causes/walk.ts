// One explanation under way: what it may still spend, which threads are on the path, how to go one thread deeper.

import type { CauseNode, RowRef, ThreadRef } from '../api.ts';
import type { Columns } from '../columns/index.ts';
import type { Setup } from './first-use.ts';
import type { Expansion } from './nodes.ts';
import { type Link, type Sureness, sureness } from './sure.ts';
import type { LockWakes } from './wakes.ts';

export const MAX_DEPTH = 16;
export const MAX_NODES = 4096;
/** Pieces shorter than this are not followed. */
const SHORT_NS = 50_000;
/** On one level of the tree; more pieces than that, and the shortest are not followed. */
const MOST_PIECES = 1024;
/** A part of the whole gets its share of them, and no fewer than these. */
const LEAST_PIECES = 16;

/** A thread on the path from the root, and when. */
interface Step {
  readonly thread: number;
  readonly startNs: number;
  readonly endNs: number;
}

/** What the explained thread was in: the CUDA call around the piece; -1 = none. */
export interface Around {
  readonly call: number;
  /** The outermost call around is a synchronize: running in it is spinning on the GPU. */
  readonly spinning: boolean;
  /** What is being set up in it: the first call of its kind, the loading of a module. */
  readonly setsUp: Setup | undefined;
}

export const nothingAround: Around = { call: -1, spinning: false, setsUp: undefined };

export type ExplainThread = (
  walk: Walk,
  thread: number,
  startNs: number,
  endNs: number,
  depth: number,
  around: Around,
) => Expansion;

export class Walk {
  readonly columns: Columns;
  readonly wakes: LockWakes;
  /** What is shorter is not followed. */
  readonly shortNs: number;
  readonly #wholeNs: number;
  readonly #explain: ExplainThread;
  readonly #path: Step[];
  #nodes = 1;

  constructor(
    columns: Columns,
    wakes: LockWakes,
    explain: ExplainThread,
    thread: number,
    startNs: number,
    endNs: number,
  ) {
    this.columns = columns;
    this.wakes = wakes;
    this.#explain = explain;
    this.#wholeNs = endNs - startNs;
    // A whole that is itself short is still cut, into tenths at the finest.
    this.shortNs = Math.min(SHORT_NS, this.#wholeNs / 10);
    this.#path = [{ thread, startNs, endNs }];
  }

  /** How many children a node over `durationNs` may have. */
  most(durationNs: number): number {
    const share = this.#wholeNs > 0 ? durationNs / this.#wholeNs : 1;
    return Math.max(LEAST_PIECES, Math.floor(MOST_PIECES * Math.min(1, share)));
  }

  /** Takes `count` nodes from the budget; false, and nothing taken, when it has not so many left. */
  claim(count: number): boolean {
    if (this.#nodes + count > MAX_NODES) return false;
    this.#nodes += count;
    return true;
  }

  onPath(thread: number, startNs: number, endNs: number): boolean {
    return this.#path.some(step => step.thread === thread && step.startNs < endNs && startNs < step.endNs);
  }

  /**
   * What another thread did in the interval, as children of the node at `depth` that names it; none when the interval
   * is too short to be followed.
   */
  follow(thread: number, startNs: number, endNs: number, depth: number, followed: boolean): Expansion {
    if (this.onPath(thread, startNs, endNs)) return 'cycle';
    if (!followed) return [];
    this.#path.push({ thread, startNs, endNs });
    const children = this.#explain(this, thread, startNs, endNs, depth, nothingAround);
    this.#path.pop();
    return children;
  }

  /** Deeper within the same thread: a nested call, or the root's own interval. */
  stay(thread: number, startNs: number, endNs: number, depth: number, around: Around): Expansion {
    return this.#explain(this, thread, startNs, endNs, depth, around);
  }

  ref(thread: number): ThreadRef | undefined {
    return this.columns.threads.refs[thread];
  }

  /** How sure a link over the interval is, by what it rests on; `row`: the off-CPU interval it was read from. */
  sure(link: Link, startNs: number, endNs: number, row = -1): Sureness {
    return sureness(this.columns, link, startNs, endNs, row);
  }

  offCpuRow(row: number): RowRef {
    return { table: 'off_cpu', id: this.columns.offCpu.id[row] ?? -1 };
  }

  object(row: number): CauseNode['object'] {
    const index = this.columns.offCpu.object[row] ?? -1;
    const id = this.columns.offCpu.objectIds[index];
    const found = id === undefined ? undefined : this.columns.details.object(id);
    if (found === undefined) return undefined;
    return {
      id: found.id,
      kind: found.kind,
      ...(found.address === undefined ? {} : { address: found.address }),
      ...(found.name === undefined ? {} : { name: found.name }),
    };
  }
}
