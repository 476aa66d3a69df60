// Is what was found beside a story true all the same? On a shared machine a real preemption is. Two others say so: `perf`,
// which recorded the scheduler at the same time, and the clocks of the very threads, which log when a timer let them go
// late (`queued`), and when their CPU was gone though nothing had switched them out (`stolen`: the host of a virtual machine
// took it, or an interrupt). Nothing but being without a CPU is excused.

import type { Cause, CauseNode } from '../../extension/trace/api.ts';
import { paths } from './score.ts';
import type { Logged } from './story.ts';
import type { Witness } from './witness.ts';

/** Share of what a finding blames that must have been seen by another; the pieces of each recorder begin elsewhere. */
const LEAST_SHOWN = 0.8;

/** What a thread does by itself, of which nobody is accused. */
const ITS_OWN: ReadonlySet<string> = new Set(['on_cpu', 'asked_to_sleep', 'nested_call']);

export interface Others {
  readonly witness: Witness;
  /** From the time of the trace to CLOCK_MONOTONIC. */
  readonly monotonic: (ns: number) => number;
  /** When threads wanted to run and did not, by their own clocks. */
  readonly queued: readonly Logged[];
  readonly stolen: readonly Logged[];
}

/** Whether each of the finding's worst examples blames times without a CPU that others saw, and hardly anything else. */
export const isBorneOut = ({ examples }: Cause, others: Others): boolean =>
  examples.length > 0 && examples.every(tree => shownShare(tree, others) >= LEAST_SHOWN);

function shownShare(tree: CauseNode, others: Others): number {
  let blamedNs = 0;
  let shownNs = 0;
  for (const path of paths(tree)) {
    const leaf = path.at(-1);
    if (leaf === undefined || path.slice(1).every(({ edge, state }) => isItsOwn(edge, state))) continue;
    blamedNs += leaf.durationNs;
    shownNs += Math.min(leaf.durationNs, seenNs(path, leaf, others));
  }
  return blamedNs === 0 ? 0 : shownNs / blamedNs;
}

const isItsOwn = (edge: string, state: string): boolean =>
  ITS_OWN.has(edge) || (edge === 'limit' && (state === 'running' || state === 'sleep'));

/** For how long others saw what the leaf says. */
function seenNs(path: readonly CauseNode[], leaf: CauseNode, others: Others): number {
  const startNs: number = leaf.startNs;
  const endNs = leaf.startNs + leaf.durationNs;
  const logged = (lines: readonly Logged[], tid: number): number =>
    lines
      .filter(each => each.tid === tid)
      .reduce(
        (sum, each) => sum + Math.max(0, Math.min(each.endNs, endNs) - Math.max(each.startNs, startNs)),
        0,
      );
  if (leaf.state === 'running') return leaf.thread === undefined ? 0 : logged(others.stolen, leaf.thread.tid);
  if (leaf.state !== 'runnable') return 0;
  const { witness, monotonic, queued } = others;
  // The thread that waited for a CPU: the leaf may name who had it.
  const tid = (path.findLast(({ edge }) => edge === 'runnable') ?? leaf).thread?.tid;
  if (tid === undefined) return 0;
  return Math.max(witness.waitedNs(tid, monotonic(startNs), monotonic(endNs)), logged(queued, tid));
}
