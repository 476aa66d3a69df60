// The Overview's numbers as pieces of bars. Pure.

import type { Cause, CauseNode, ReasonStats, State, ThreadStats } from '../../extension/trace/api.ts';
import { type Meaning, meaningName, meaningOfReason, meaningOfState } from '../base/colours.ts';

export interface Piece {
  readonly meaning: Meaning;
  readonly name: string;
  readonly timeNs: number;
  /** Of the whole bar, 0 to 1. */
  readonly share: number;
}

/**
 * Largest first, `unexplained` last: what is known comes before what is not. States of one meaning are one piece, or
 * two neighbours would look the same; what a quota took is named inside it.
 */
export function statePieces(
  byState: readonly { readonly state: State; readonly timeNs: number }[],
): readonly Piece[] {
  const total = byState.reduce((sum, { timeNs }) => sum + timeNs, 0);
  const times = new Map<Meaning, number>();
  for (const { state, timeNs } of byState) {
    times.set(meaningOfState(state), (times.get(meaningOfState(state)) ?? 0) + timeNs);
  }
  const throttledNs = byState.find(({ state }) => state === 'throttled')?.timeNs ?? 0;
  return [...times]
    .filter(([, timeNs]) => timeNs > 0)
    .sort(([a, x], [b, y]) => Number(a === 'unexplained') - Number(b === 'unexplained') || y - x)
    .map(([meaning, timeNs]) => ({
      meaning,
      name: meaning === 'runnable' && throttledNs > 0 ? throttled(throttledNs, timeNs) : meaningName(meaning),
      timeNs,
      share: timeNs / total,
    }));
}

const throttled = (throttledNs: number, allNs: number): string =>
  throttledNs === allNs ? 'throttled' : 'waiting for a CPU (in part throttled)';

/** Findings that are nobody's fault, by the state that each of them tells of; longest first. */
export function quietGroups(
  causes: readonly Cause[],
): readonly { readonly name: string; readonly timeNs: number; readonly count: number }[] {
  const groups = new Map<string, { timeNs: number; count: number }>();
  for (const { kind, state, timeNs, count } of causes) {
    // A suspect that was cleared took no time.
    if (kind === 'innocent') continue;
    const name =
      state === undefined ? 'in calls that are short but many' : meaningName(meaningOfState(state));
    const group = groups.get(name) ?? { timeNs: 0, count: 0 };
    groups.set(name, { timeNs: group.timeNs + timeNs, count: group.count + count });
  }
  return [...groups].map(([name, group]) => ({ name, ...group })).sort((a, b) => b.timeNs - a.timeNs);
}

/**
 * What one example was made of, by the rule of `CausesResult.byState`: the time of its leaves, and what another thread
 * computed or slept while it kept this one waiting is the wait.
 */
export function leafStates(root: CauseNode): readonly { readonly state: State; readonly timeNs: number }[] {
  const sums = new Map<State, number>();
  const add = (node: CauseNode, waiting: State | undefined): void => {
    if (node.children.length === 0) {
      const own = node.state === 'running' || node.state === 'sleep';
      const state = own && waiting !== undefined ? waiting : node.state;
      sums.set(state, (sums.get(state) ?? 0) + node.durationNs);
      return;
    }
    const others = node.edge === 'held_by' || node.edge === 'waited_for';
    for (const child of node.children) add(child, waiting ?? (others ? node.state : undefined));
  };
  add(root, undefined);
  return [...sums].map(([state, timeNs]) => ({ state, timeNs }));
}

interface ThreadBar {
  readonly pieces: readonly Piece[];
  readonly totalNs: number;
}

/** One thread's time off the CPU: blocked, by what reasons mean, and all its waiting for a CPU as one piece. */
export function threadBar(offCpu: readonly ReasonStats[]): ThreadBar {
  const times = new Map<Meaning, number>();
  const add = (meaning: Meaning, timeNs: number): void => {
    times.set(meaning, (times.get(meaning) ?? 0) + timeNs);
  };
  for (const { reason, blockedNs, runnableNs } of offCpu) {
    add(meaningOfReason(reason), blockedNs);
    add('runnable', runnableNs);
  }
  const totalNs = [...times.values()].reduce((sum, timeNs) => sum + timeNs, 0);
  return {
    totalNs,
    pieces: [...times]
      .filter(([, timeNs]) => timeNs > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([meaning, timeNs]) => ({
        meaning,
        // A futex is a lock, a condition, a semaphore: the thread waited for another one, and that is all it says.
        name: meaning === 'lock' ? 'futex and kernel locks' : meaningName(meaning),
        timeNs,
        share: timeNs / Math.max(1, totalNs),
      })),
  };
}

/** The threads whose waiting matters: those that issue CUDA work first, then targets, then the rest, by time waited. */
export function rankThreads(threads: readonly ThreadStats[], most: number): readonly ThreadStats[] {
  const waited = (thread: ThreadStats): number => threadBar(thread.offCpu).totalNs;
  return threads
    .filter(thread => waited(thread) > 0)
    .sort(
      (a, b) =>
        Number(b.cudaCalls > 0) - Number(a.cudaCalls > 0) ||
        Number(b.isTarget) - Number(a.isTarget) ||
        waited(b) - waited(a),
    )
    .slice(0, most);
}

interface Bin {
  readonly fromNs: number;
  readonly toNs: number;
  readonly count: number;
  /** 0 to 1, by the logarithm of the count: one slow call in a million is still seen. */
  readonly height: number;
  readonly slow: boolean;
}

/** A delay shorter than this is not looked into (the floor of `causes`). */
const SLOW_NS = 1_000_000;

/** `histogram[i]` counts calls of [edges[i - 1], edges[i]): the first bin begins at 0, the last has no end. */
export function bins(histogram: readonly number[], firstEdgeNs: number): readonly Bin[] {
  const most = Math.max(1, ...histogram);
  return histogram.map((count, index) => {
    const fromNs = index === 0 ? 0 : firstEdgeNs * 2 ** (index - 1);
    return {
      fromNs,
      toNs: firstEdgeNs * 2 ** index,
      count,
      height: count === 0 ? 0 : Math.max(0.08, Math.log1p(count) / Math.log1p(most)),
      slow: fromNs >= SLOW_NS,
    };
  });
}
