// Flame graphs, folded here so that only sums cross to the picture. CUDA: a box for each function, below it the stack
// that called it (outermost first) where one was taken, below that the calls made inside it. Off-CPU: a box for each
// reason, below it the user's stack and then the kernel's. Time is clipped to the window.

import type { FlameQuery, FlameTree } from '../api.ts';
import { clean } from '../columns/text.ts';
import { TraceError } from '../error.ts';
import type { Span } from '../time.ts';
import { nearest } from './nearest.ts';
import { overlap, rowsStarting } from './overlap.ts';
import { framesOf } from './stacks.ts';
import { eachOffCpu } from './stats.ts';
import type { Store } from './store.ts';

export function flame(store: Store, query: FlameQuery): FlameTree {
  const window = store.window(query);
  const threads = query.thread === undefined ? store.threadsOf(query) : new Set([query.thread]);
  return query.kind === 'cuda' ? cuda(store, query, window, threads) : offCpu(store, query, window, threads);
}

type Threads = ReadonlySet<number> | undefined;

function cuda(store: Store, query: FlameQuery, window: Span, threads: Threads): FlameTree {
  const { calls } = store;
  const wanted = query.function === undefined ? undefined : functionIds(store, query.function);
  const tree = new Tree(store);
  /** Box of each call that is in the picture, 0 for the others. */
  const boxes = new Int32Array(calls.count);
  const { end } = rowsStarting(calls.startNs, window, store.durationNs);
  for (let row = 0; row < end; row++) {
    if (threads !== undefined && !threads.has(calls.thread[row] ?? -1)) continue;
    const time = overlap(calls, row, window, store.durationNs);
    if (time === 0 && (calls.startNs[row] ?? 0) < window.startNs) continue;
    const parentRow = calls.parentRow[row] ?? -1;
    const parent = parentRow < 0 ? 0 : (boxes[parentRow] ?? 0);
    const fn = calls.function[row] ?? -1;
    const nested = parent !== 0;
    if (!nested && (wanted === undefined ? parentRow >= 0 : !wanted.has(fn))) continue;
    // A call inside a call that carries a stack was made from there: its own stack would say the same once more.
    const told = nested && (calls.stack[parentRow] ?? -1) >= 0;
    const stack = told ? -1 : (calls.stack[row] ?? -1);
    const box = tree.under(parent, `function ${fn}`, store.functions.get(fn)?.name ?? '?', 'cuda');
    const leaf = stack < 0 ? box : tree.underStack(box, stack);
    boxes[row] = leaf;
    tree.add(leaf, time, nested ? parent : 0, !nested, stack >= 0);
  }
  return tree.take();
}

function offCpu(store: Store, query: FlameQuery, window: Span, threads: Threads): FlameTree {
  const { offCpu: columns } = store;
  const tree = new Tree(store);
  eachOffCpu(store, window, threads, row => {
    const reason = columns.reason[row] ?? -1;
    const name = store.names.get(reason) ?? '?';
    if (query.reason !== undefined && query.reason !== name) return;
    const stack = columns.stack[row] ?? -1;
    const kernel = columns.kernelStack[row] ?? -1;
    let box = tree.under(0, `reason ${reason}`, name, 'reason');
    if (stack >= 0) box = tree.underStack(box, stack);
    if (kernel >= 0) box = tree.underStack(box, kernel);
    tree.add(box, overlap(columns, row, window, store.durationNs), 0, true, stack >= 0 || kernel >= 0);
  });
  return tree.take();
}

function functionIds(store: Store, name: string): ReadonlySet<number> {
  const ids = new Set<number>();
  for (const [id, fn] of store.functions) if (fn.name === name) ids.add(id);
  if (ids.size > 0) return ids;
  const near = nearest(
    name,
    [...store.functions.values()].map(fn => fn.name),
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
