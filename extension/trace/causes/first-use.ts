// The first call of its kind in a process sets things up (contexts, modules, pools) and is slow for that, and so is any
// call that loads a module. Told apart, so that a cold start is not taken for the usual.

import type { Columns } from '../columns/index.ts';
import { kindOfCall } from './delays.ts';
import { percentile } from './statistics.ts';

export interface Setup {
  /** "the first use of cudaMalloc", "loading a module (cuModuleLoadData)" */
  readonly what: string;
  /** The call was the first of its kind in its process. */
  readonly isFirst: boolean;
}

/** A first call that takes no longer than this many times the usual one set nothing up. */
const LONGER = 2;
/** The share of a call that loading modules inside it must take. */
const MUCH_OF_IT = 0.2;
/** Calls inside a call that are looked at. */
const MOST_INSIDE = 4096;

/** What the call sets up, by itself or in the calls inside it; undefined: nothing that is known. */
export function setsUp(columns: Columns, call: number): Setup | undefined {
  const name = nameOf(columns, call);
  if (isFirstUse(columns, call)) return { what: `the first use of ${name}`, isFirst: true };
  const module = moduleLoadedIn(columns, call);
  return module === undefined ? undefined : { what: `loading a module (${module})`, isFirst: false };
}

/**
 * Whether the call was the first of its function in its process, where that was seen from its start, and took longer
 * than the later ones do.
 */
export function isFirstUse(columns: Columns, call: number): boolean {
  const { calls, threads } = columns;
  if (calls.parent[call] !== -1 || threads.processes[calls.thread[call] as number]?.born !== true)
    return false;
  const first = usual(columns).get(kindOfCall(columns, call));
  return first?.call === call && lengthOf(columns, call) > LONGER * first.laterNs;
}

/** The function that loads modules in the call, when it takes much of it. */
function moduleLoadedIn(columns: Columns, call: number): string | undefined {
  const { calls } = columns;
  const isModule = (row: number): boolean => calls.functions[calls.function[row] ?? 0]?.category === 'module';
  if (isModule(call)) return nameOf(columns, call);
  const endNs = calls.endNs[call] as number;
  const last = Math.min(calls.offsets[(calls.thread[call] as number) + 1] ?? 0, call + MOST_INSIDE);
  let loadingNs = 0;
  let name: string | undefined;
  let doneNs = 0;
  for (let row = call + 1; row < last && (calls.startNs[row] as number) < endNs; row++) {
    if (!isModule(row) || (calls.startNs[row] as number) < doneNs) continue;
    loadingNs += lengthOf(columns, row);
    doneNs = calls.endNs[row] as number;
    name ??= nameOf(columns, row);
  }
  return loadingNs > 0 && loadingNs >= lengthOf(columns, call) * MUCH_OF_IT ? name : undefined;
}

interface Usual {
  /** The first call of its kind. */
  readonly call: number;
  /** Median of the others; 0 where there are none. */
  readonly laterNs: number;
}

const known = new WeakMap<Columns, ReadonlyMap<number, Usual>>();

function usual(columns: Columns): ReadonlyMap<number, Usual> {
  let found = known.get(columns);
  if (found === undefined) {
    found = firstCalls(columns);
    known.set(columns, found);
  }
  return found;
}

function firstCalls(columns: Columns): ReadonlyMap<number, Usual> {
  const { startNs, rows, parent, thread } = columns.calls;
  const born = columns.threads.processes.map(process => process.born);
  const each = (visit: (kind: number, call: number) => void): void => {
    for (let call = 0; call < rows; call++) {
      if (parent[call] === -1 && born[thread[call] as number] === true)
        visit(kindOfCall(columns, call), call);
    }
  };
  const kinds = new Map<number, { call: number; count: number }>();
  each((kind, call) => {
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { call, count: 1 });
    else {
      known.count++;
      if ((startNs[call] as number) < (startNs[known.call] as number)) known.call = call;
    }
  });
  const lengths = new Map([...kinds].map(([kind, { count }]) => [kind, new Float64Array(count)]));
  each((kind, call) => {
    const known = kinds.get(kind);
    const of = lengths.get(kind);
    if (known !== undefined && of !== undefined) of[--known.count] = lengthOf(columns, call);
  });
  return new Map(
    [...kinds].map(([kind, { call }]) => {
      const ascending = lengths.get(kind)?.sort() ?? new Float64Array(0);
      // With the first one among them, the lower half has a middle that is another's.
      const laterNs = ascending.length < 2 ? 0 : percentile(ascending.subarray(0, -1), 0.5);
      return [kind, { call, laterNs }];
    }),
  );
}

const lengthOf = ({ calls }: Columns, call: number): number =>
  (calls.endNs[call] as number) - (calls.startNs[call] as number);

const nameOf = ({ calls }: Columns, call: number): string =>
  calls.functions[calls.function[call] ?? 0]?.name ?? 'a CUDA call';
