// The pieces of a node before they become its children: end to end, covering it exactly. Runs of pieces too short to
// follow become one, so that a tree stays readable and bounded however often a thread switches.

import type { CauseNode, State } from '../api.ts';
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

/** The children for these parts, which lie end to end; the node they explain is at `depth`. */
export function expand(walk: Walk, thread: number, parts: readonly Part[], depth: number): Expansion {
  if (depth >= MAX_DEPTH) return 'depth';
  const lengthNs = (parts.at(-1)?.endNs ?? 0) - (parts[0]?.startNs ?? 0);
  const { runs, shortNs } = fitting(parts, walk.shortNs, walk.most(lengthNs));
  if (!walk.claim(runs.length)) return 'nodes';
  return runs.map(run => {
    const [only] = run;
    if (only !== undefined && run.length === 1) return only.make(only.endNs - only.startNs >= shortNs);
    return shortPieces(walk, thread, run);
  });
}

export interface Fitting {
  readonly runs: readonly (readonly Part[])[];
  /** What was too short to follow. */
  readonly shortNs: number;
}

/**
 * Gathered so that no more than `most` are left. Where there are more, the longest stay themselves, a third as many,
 * since each may have a neighbour that is short; the others go into runs that grow until all fit.
 */
export function fitting(parts: readonly Part[], shortNs: number, most: number): Fitting {
  const room = Math.max(3, most);
  const first = gather(parts, shortNs);
  if (first.length <= room) return { runs: first, shortNs };
  const lengths = Float64Array.from(parts, ({ startNs, endNs }) => endNs - startNs).sort();
  let longNs = Math.max(shortNs, lengths[lengths.length - Math.floor(room / 3)] ?? 0, 1);
  for (let runNs = longNs; ; runNs *= 2) {
    const runs = gather(parts, longNs, runNs);
    if (runs.length <= room) return { runs, shortNs: longNs };
    // Too many that are equally long: no run grows while each stands by itself.
    if (runNs > longNs * room) {
      longNs *= 2;
      runNs = longNs / 2;
    }
  }
}

/**
 * Puts neighbours together that are all shorter than `shortNs`, until together they are as long as `runNs`; leaves out
 * empty parts. So a second cut into ten thousand pieces still shows what it was like from hundredth to hundredth.
 */
export function gather(
  parts: readonly Part[],
  shortNs: number,
  runNs = shortNs,
): readonly (readonly Part[])[] {
  const runs: Part[][] = [];
  let open: Part[] | undefined;
  let openNs = 0;
  for (const part of parts) {
    const length = part.endNs - part.startNs;
    if (length <= 0) continue;
    if (length >= shortNs) {
      open = undefined;
      runs.push([part]);
    } else if (open === undefined) {
      open = [part];
      openNs = length;
      runs.push(open);
    } else {
      open.push(part);
      openNs += length;
      if (openNs >= runNs) open = undefined;
    }
  }
  return runs;
}

/** One leaf for many short pieces, coloured by the state that took most of it, telling how much each took. */
function shortPieces(walk: Walk, thread: number, run: readonly Part[]): CauseNode {
  const byState = new Map<State, number>();
  for (const part of run) {
    byState.set(part.state, (byState.get(part.state) ?? 0) + part.endNs - part.startNs);
  }
  const sums = [...byState].sort((a, b) => b[1] - a[1]);
  const startNs = run[0]?.startNs ?? 0;
  const endNs = run[run.length - 1]?.endNs ?? startNs;
  return leaf({
    edge: 'limit',
    state: sums[0]?.[0] ?? 'other',
    thread: walk.ref(thread),
    startNs,
    endNs,
    label: `${run.length} pieces too short to follow (${sums.map(([state, sum]) => `${state} ${time(sum)}`).join(', ')})`,
    ...walk.sure('seen', startNs, endNs),
  });
}
