// Flame graphs, folded here so that only sums cross to the picture. CUDA: a box for each function, below it the stack
// that called it (outermost first) where one was taken, below that the calls made inside it. Off-CPU: a box for each
// reason, below it the user's stack and then the kernel's. Time is clipped to the window.

import type { FlameQuery, FlameTree } from '../api.ts';
import { alongside } from '../columns/alongside.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { clean } from '../columns/text.ts';
import { TraceError } from '../error.ts';
import type { Span } from '../time.ts';
import { nearest } from './nearest.ts';
import { overlap, rowsOf, rowsStarting } from './overlap.ts';
import { framesOf } from './stacks.ts';
import { eachOffCpu } from './stats.ts';
import type { Store } from './store.ts';

export function flame(store: Store, query: FlameQuery): FlameTree {
  const window = store.window(query);
  const threads =
    query.thread === undefined
      ? store.indexesOf(query)
      : [store.columns.threads.indexOf(query.thread)].filter(index => index >= 0);
  return query.kind === 'cuda' ? cuda(store, query, window, threads) : offCpu(store, query, window, threads);
}

/** Threads by their place in the columns. */
type Threads = readonly number[];

function cuda(store: Store, query: FlameQuery, window: Span, threads: Threads): FlameTree {
  const { calls, captureEndNs } = store.columns;
  const wanted = query.function === undefined ? undefined : functionsCalled(store, query.function);
  const stacks = callStacks(store);
  const tree = new Tree(store);
  /** Box of each call that is in the picture, 0 for the others. */
  const boxes = new Int32Array(calls.rows);
  for (const thread of threads) {
    const rows = rowsOf(calls, thread);
    const { from, to } = rowsStarting(calls.startNs, rows, window, captureEndNs);
    for (let row = rootBefore(calls.parent, rows.from, from); row < to; row++) {
      const time = overlap(calls, row, window);
      if (time === 0 && (calls.startNs[row] as number) < window.startNs) continue;
      const parentRow = calls.parent[row] as number;
      const parent = parentRow < 0 ? 0 : (boxes[parentRow] as number);
      const fn = calls.function[row] as number;
      const nested = parent !== 0;
      if (!nested && (wanted === undefined ? parentRow >= 0 : !wanted.has(fn))) continue;
      // A call inside a call that carries a stack was made from there: its own stack would say the same once more.
      const told = nested && (stacks[parentRow] as number) >= 0;
      const stack = told ? -1 : (stacks[row] as number);
      const box = tree.under(parent, `function ${fn}`, calls.functions[fn]?.name ?? '?', 'cuda');
      const leaf = stack < 0 ? box : tree.underStack(box, stack);
      boxes[row] = leaf;
      tree.add(leaf, time, nested ? parent : 0, !nested, stack >= 0);
    }
  }
  return tree.take();
}

/** The outermost call that the one before `row` is part of: it alone may reach beyond `row`. */
function rootBefore(parent: Int32Array, first: number, row: number): number {
  if (row <= first) return row;
  let root = row - 1;
  while ((parent[root] as number) >= 0) root = parent[root] as number;
  return root;
}

function callStacks(store: Store): Int32Array {
  const { calls, threads } = store.columns;
  const [stacks] = store.keep('call stacks', () =>
    alongside(store.db, 'cuda_call', ['stack_id'], calls, threads),
  );
  return stacks ?? new Int32Array(0);
}

function offCpu(store: Store, query: FlameQuery, window: Span, threads: Threads): FlameTree {
  const { offCpu: columns, threads: known } = store.columns;
  const [stacks, kernelStacks] = store.keep('off-CPU stacks', () =>
    alongside(store.db, 'off_cpu', ['stack_id', 'kernel_stack_id'], columns, known),
  );
  const tree = new Tree(store);
  eachOffCpu(store, window, threads, row => {
    const name = reasonOf(columns, row);
    if (query.reason !== undefined && query.reason !== name) return;
    const stack = stacks?.[row] ?? -1;
    const kernel = kernelStacks?.[row] ?? -1;
    let box = tree.under(0, `reason ${name}`, name, 'reason');
    if (stack >= 0) box = tree.underStack(box, stack);
    if (kernel >= 0) box = tree.underStack(box, kernel);
    tree.add(box, overlap(columns, row, window), 0, true, stack >= 0 || kernel >= 0);
  });
  return tree.take();
}

function functionsCalled(store: Store, name: string): ReadonlySet<number> {
  const { functions } = store.columns.calls;
  const found = new Set<number>();
  for (const [fn, { name: known }] of functions.entries()) if (known === name) found.add(fn);
  if (found.size > 0) return found;
  const near = nearest(
    name,
    functions.map(fn => fn.name),
  );
  throw new TraceError(
    'bad_query',
    `unknown function "${clean(name)}"${near === undefined ? '.' : `; did you mean "${near}"?`}`,
  );
}

class Tree {
  readonly #store: Store;
  readonly #names: string[] = ['all'];
  readonly #kinds: string[] = ['root'];
  readonly #parents: number[] = [-1];
  readonly #times: number[] = [0];
  readonly #counts: number[] = [0];
  readonly #children: Map<string, number>[] = [new Map()];
  #events = 0;
  #withStack = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The box called `name` under `parent`, made if it is new. `key` tells boxes of one parent apart. */
  under(parent: number, key: string, name: string, kind: string): number {
    const siblings = this.#children[parent];
    const known = siblings?.get(key);
    if (known !== undefined) return known;
    const box = this.#names.push(name) - 1;
    this.#kinds.push(kind);
    this.#parents.push(parent);
    this.#times.push(0);
    this.#counts.push(0);
    this.#children.push(new Map());
    siblings?.set(key, box);
    return box;
  }

  /** The box of a stack's leaf under `parent`. */
  underStack(parent: number, stackId: number): number {
    const key = `stack ${stackId}`;
    const siblings = this.#children[parent];
    const known = siblings?.get(key);
    if (known !== undefined) return known;
    let box = parent;
    for (const frame of framesOf(this.#store, stackId).toReversed()) {
      box = this.under(box, `frame ${frame.kind} ${frame.function}`, frame.function, frame.kind);
    }
    siblings?.set(key, box);
    return box;
  }

  /** Adds an event to `box` and all around it up to `within`, which counts its own events itself. */
  add(box: number, timeNs: number, within: number, outermost: boolean, hasStack: boolean): void {
    for (let at = box; at !== within && at >= 0; at = this.#parents[at] ?? -1) this.#add(at, timeNs);
    if (within === 0 && outermost) this.#add(0, timeNs);
    if (!outermost) return;
    this.#events++;
    if (hasStack) this.#withStack++;
  }

  #add(box: number, timeNs: number): void {
    this.#times[box] = (this.#times[box] ?? 0) + timeNs;
    this.#counts[box] = (this.#counts[box] ?? 0) + 1;
  }

  take(): FlameTree {
    return {
      name: this.#names,
      frameKind: this.#kinds,
      parent: Int32Array.from(this.#parents),
      timeNs: Float64Array.from(this.#times),
      count: Float64Array.from(this.#counts),
      withStack: this.#events === 0 ? 0 : this.#withStack / this.#events,
    };
  }
}
