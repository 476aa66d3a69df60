// The pieces of a node before they become its children: end to end, covering it exactly. Runs of pieces too short to
// follow become one, so that a tree stays readable and bounded however often a thread switches.

import type { CauseNode, State } from '../api.ts';
import { doubles, Growing } from '../columns/rows.ts';
import { type Expansion, leaf } from './nodes.ts';
import { MAX_DEPTH, type Walk } from './walk.ts';
import { time } from './words.ts';

export interface Part {
  readonly startNs: number;
  readonly endNs: number;
  readonly state: State;
  /** Makes the node; `followed` is false where the part is too short to go deeper. */
  readonly make: (followed: boolean) => CauseNode;
}

/** Parts end to end: a list, or a way to go through them, as often as asked, where there may be a million. */
export type Parts = readonly Part[] | (() => Iterable<Part>);

/** Neighbours that become one child. */
export interface Run {
  readonly first: Part;
  count: number;
  endNs: number;
  readonly byState: Map<State, number>;
}

/** More parts than this are gone through again, not kept. */
const FEW = 4096;

/** The children for these parts, which lie end to end; the node they explain is at `depth`. */
export function expand(walk: Walk, thread: number, parts: Parts, depth: number): Expansion {
  if (depth >= MAX_DEPTH) return 'depth';
  const { runs, shortNs } = fitting(parts, walk.shortNs, lengthNs => walk.most(lengthNs));
  if (!walk.claim(runs.length)) return 'nodes';
  return runs.map(run => {
    const { first, count } = run;
    return count === 1 ? first.make(first.endNs - first.startNs >= shortNs) : shortPieces(walk, thread, run);
  });
}

export interface Fitting {
  readonly runs: readonly Run[];
  /** What was too short to follow. */
  readonly shortNs: number;
}

/**
 * Gathered so that no more than `most` of the whole length are left. Where there are more, the longest stay themselves, a
 * third as many, since each may have a neighbour that is short; the others go into runs that grow until all fit.
 */
export function fitting(parts: Parts, shortNs: number, most: (lengthNs: number) => number): Fitting {
  const { lengths, again } = measured(parts);
  const room = Math.max(3, most(lengths.reduce((sum, length) => sum + length, 0)));
  if (runsOf(lengths, shortNs, shortNs) <= room) return { runs: gather(again(), shortNs), shortNs };
  const ascending = lengths.toSorted();
  let longNs = Math.max(shortNs, ascending[ascending.length - Math.floor(room / 3)] ?? 0, 1);
  for (let runNs = longNs; ; runNs *= 2) {
    if (runsOf(lengths, longNs, runNs) <= room)
      return { runs: gather(again(), longNs, runNs), shortNs: longNs };
    // Too many that are equally long: no run grows while each stands by itself.
    if (runNs > longNs * room) {
      longNs *= 2;
      runNs = longNs / 2;
    }
  }
}

/** The length of each part, and the parts once more. */
function measured(parts: Parts): {
  readonly lengths: Float64Array;
  readonly again: () => Iterable<Part>;
} {
  if (typeof parts !== 'function') {
    return { lengths: Float64Array.from(parts, ({ startNs, endNs }) => endNs - startNs), again: () => parts };
  }
  const lengths = new Growing(doubles);
  const kept: Part[] = [];
  for (const part of parts()) {
    lengths.push(part.endNs - part.startNs);
    if (kept.length < FEW) kept.push(part);
  }
  const all = kept.length === lengths.length;
  return { lengths: lengths.take(), again: () => (all ? kept : parts()) };
}

/** How many runs `gather` would make. */
function runsOf(lengths: Float64Array, shortNs: number, runNs: number): number {
  let runs = 0;
  let open = false;
  let openNs = 0;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number;
    if (length <= 0) continue;
    if (length >= shortNs || !open) {
      runs++;
      open = length < shortNs;
      openNs = length;
    } else {
      openNs += length;
      open = openNs < runNs;
    }
  }
  return runs;
}

/**
 * Puts neighbours together that are all shorter than `shortNs`, until together they are as long as `runNs`; leaves out
 * empty parts. So a second cut into ten thousand pieces still shows what it was like from hundredth to hundredth.
 */
export function gather(parts: Iterable<Part>, shortNs: number, runNs = shortNs): readonly Run[] {
  const runs: Run[] = [];
  let open: Run | undefined;
  for (const part of parts) {
    const length = part.endNs - part.startNs;
    if (length <= 0) continue;
    if (open === undefined || length >= shortNs) {
      const run: Run = { first: part, count: 1, endNs: part.endNs, byState: new Map([[part.state, length]]) };
      runs.push(run);
      open = length >= shortNs ? undefined : run;
    } else {
      open.count++;
      open.endNs = part.endNs;
      open.byState.set(part.state, (open.byState.get(part.state) ?? 0) + length);
      if (open.endNs - open.first.startNs >= runNs) open = undefined;
    }
  }
  return runs;
}

/** One leaf for many short pieces, coloured by the state that took most of it, telling how much each took. */
function shortPieces(walk: Walk, thread: number, { first, count, endNs, byState }: Run): CauseNode {
  const sums = [...byState].sort((a, b) => b[1] - a[1]);
  const { startNs } = first;
  return leaf({
    edge: 'limit',
    state: sums[0]?.[0] ?? 'other',
    thread: walk.ref(thread),
    startNs,
    endNs,
    label: `${count} pieces too short to follow (${sums.map(([state, sum]) => `${state} ${time(sum)}`).join(', ')})`,
    ...walk.sure('seen', startNs, endNs),
  });
}
