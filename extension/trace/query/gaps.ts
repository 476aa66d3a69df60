// How long no thread of a process had a launch under way: the nearest thing to GPU idle time that the host alone sees.

import type { LaunchGaps } from '../api.ts';
import { gapsKnown } from '../causes/gaps-known.ts';
import type { Columns } from '../columns/index.ts';
import { ns, type Span } from '../time.ts';
import { rowsOf } from './overlap.ts';
import type { Store } from './store.ts';

const LONGEST = 5;

/** Stretches of time in order, without overlap: starts and ends by turns. */
type Busy = Float64Array;

/**
 * For each process that launches in the window, longest gaps first; the edges of the window end a gap. None where the
 * file does not hold every call.
 */
export function launchGaps(store: Store, window: Span, threads: readonly number[]): LaunchGaps[] {
  if (!store.keep('gaps known', () => gapsKnown(store.db))) return [];
  const { columns } = store;
  const launching = Uint8Array.from(columns.calls.functions, ({ category, name }) =>
    category === 'launch' || name.endsWith('GraphLaunch') ? 1 : 0,
  );
  const byProcess = new Map<number, Busy[]>();
  for (const thread of threads) {
    const busy = launchesOf(columns, thread, launching, window);
    const process = columns.threads.processes[thread]?.id ?? -1;
    if (busy.length > 0) byProcess.set(process, [...(byProcess.get(process) ?? []), busy]);
  }
  const length = window.endNs - window.startNs;
  return [...byProcess].map(([processId, all]) => {
    const { longest, totalNs } = gapsIn(union(all), window);
    return {
      processId,
      process: store.processes.get(processId)?.name ?? '?',
      longest,
      share: length > 0 ? totalNs / length : 0,
    };
  });
}

/** One thread's launches with time in the window; a driver call inside its runtime call is one launch. */
function launchesOf({ calls }: Columns, thread: number, launching: Uint8Array, window: Span): Busy {
  const { from, to } = rowsOf(calls, thread);
  const busy = new Float64Array(2 * (to - from));
  let length = 0;
  let until = window.startNs as number;
  for (let row = from; row < to; row++) {
    if ((calls.startNs[row] as number) >= window.endNs) break;
    const end = calls.endNs[row] as number;
    if (launching[calls.function[row] as number] !== 1 || end <= until) continue;
    busy[length++] = Math.max(until, calls.startNs[row] as number);
    busy[length++] = end;
    until = end;
  }
  return busy.slice(0, length);
}

/** Two and two, so that many threads cost their logarithm. */
function union(all: readonly Busy[]): Busy {
  let lists = all;
  while (lists.length > 1) {
    const paired: Busy[] = [];
    for (let i = 0; i < lists.length; i += 2) {
      const [one, other] = [lists[i], lists[i + 1]];
      if (one !== undefined) paired.push(other === undefined ? one : both(one, other));
    }
    lists = paired;
  }
  return lists[0] ?? new Float64Array(0);
}

function both(one: Busy, other: Busy): Busy {
  const merged = new Float64Array(one.length + other.length);
  let length = 0;
  for (let i = 0, j = 0; i < one.length || j < other.length; ) {
    const first = j >= other.length || (i < one.length && (one[i] as number) <= (other[j] as number));
    const start = (first ? one[i++] : other[j++]) as number;
    const end = (first ? one[i++] : other[j++]) as number;
    if (length > 0 && start <= (merged[length - 1] as number)) {
      merged[length - 1] = Math.max(merged[length - 1] as number, end);
    } else {
      merged[length++] = start;
      merged[length++] = end;
    }
  }
  return merged.slice(0, length);
}

function gapsIn(busy: Busy, window: Span): { readonly longest: readonly Span[]; readonly totalNs: number } {
  const longest: Span[] = [];
  let totalNs = 0;
  let until: number = window.startNs;
  const add = (endNs: number): void => {
    if (endNs <= until) return;
    totalNs += endNs - until;
    const shortest = longest.at(-1);
    if (
      longest.length >= LONGEST &&
      shortest !== undefined &&
      shortest.endNs - shortest.startNs >= endNs - until
    )
      return;
    longest.push({ startNs: ns(until), endNs: ns(endNs) });
    longest.sort((a, b) => b.endNs - b.startNs - (a.endNs - a.startNs));
    longest.length = Math.min(longest.length, LONGEST);
  };
  for (let i = 0; i < busy.length; i += 2) {
    add(busy[i] as number);
    until = Math.max(until, busy[i + 1] as number);
  }
  add(window.endNs);
  return { longest, totalNs };
}
