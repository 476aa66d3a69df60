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
  const runs = gather(parts, walk.shortNs);
  if (!walk.claim(runs.length)) return 'nodes';
  return runs.map(run => {
    const [only] = run;
    if (only !== undefined && run.length === 1) return only.make(only.endNs - only.startNs >= walk.shortNs);
    return shortPieces(walk, thread, run);
  });
}

/**
 * Puts neighbours together that are all shorter than `shortNs`, until together they are as long; leaves out empty
 * parts. So a second cut into ten thousand pieces still shows what it was like from hundredth to hundredth.
 */
export function gather(parts: readonly Part[], shortNs: number): readonly (readonly Part[])[] {
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
      if (openNs >= shortNs) open = undefined;
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
