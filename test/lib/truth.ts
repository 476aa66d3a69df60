// Holds what Wakechain says of the demo against what the demo itself logged (test/workloads/README.md).
//
// Two numbers are compared for each wait of `engine`: how long it was blocked on the lock, and for how much of that
// `tokenizer`, who held it, was runnable. The log has both from the threads' own clocks: from asking for the lock to its
// release by the holder, and the overlap of that with the stretches in which `tokenizer` computed without getting on.
// They agree when they differ by no more than the larger of 5 % and 200 us: summed over a run, since where pieces are too
// short to follow an explanation lumps them.

import type { CauseNode } from '../../extension/trace/api.ts';

interface Interval {
  readonly startNs: number;
  readonly endNs: number;
}

export interface Wait extends Interval {
  readonly tid: number;
}

interface Hold extends Interval {
  readonly tid: number;
  readonly cpuNs: number;
  readonly runqueueNs: number;
  /** When the holder was off the CPU. */
  readonly off: readonly Interval[];
}

/** One run's truth; times count from the start of the capture that `parseTruth` was given. */
export interface Truth {
  readonly pid: number;
  readonly variant: string;
  readonly run: Interval;
  readonly spinnerPid: number | undefined;
  readonly waits: readonly Wait[];
  readonly holds: readonly Hold[];
  /** Wait of `engine` for a CPU over its whole run. */
  readonly engineRunqueueNs: number;
  readonly threads: ReadonlyMap<string, number>;
  readonly calls: readonly { readonly tid: number; readonly function: string; readonly count: number }[];
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly type: string };

export function parseLog(text: string): LogLine[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as LogLine);
}

/**
 * The log of a demo in the time of a trace. `startUnixNs` is the trace's meta.start_unix_ns; 0n leaves wall-clock times.
 */
export function parseTruth(lines: readonly LogLine[], startUnixNs: bigint): Truth {
  const of = (type: string) => lines.filter(line => line.type === type);
  const workload = of('workload')[0];
  if (workload === undefined) throw new Error('the log has no line of type "workload": did the program end?');
  const offset =
    BigInt(String(workload['realtime_ns'])) - BigInt(number(workload, 'monotonic_ns')) - startUnixNs;
  const at = (monotonicNs: number): number => Number(BigInt(monotonicNs) + offset);
  const interval = (line: LogLine): Interval => ({
    startNs: at(number(line, 'start_ns')),
    endNs: at(number(line, 'end_ns')),
  });
  const spinner = of('process').find(line => line['name'] === 'spinner');
  return {
    pid: number(workload, 'pid'),
    variant: String(workload['variant']),
    run: interval(workload),
    spinnerPid: spinner === undefined ? undefined : number(spinner, 'pid'),
    waits: of('wait').map(line => ({
      ...interval(line),
      tid: number(line, 'tid'),
    })),
    holds: of('hold').map(line => ({
      ...interval(line),
      tid: number(line, 'tid'),
      cpuNs: number(line, 'cpu_ns'),
      runqueueNs: number(line, 'runqueue_ns'),
      off: (line['off'] as readonly (readonly [number, number])[]).map(([from, to]) => ({
        startNs: at(from),
        endNs: at(to),
      })),
    })),
    engineRunqueueNs: of('sum').reduce((sum, line) => sum + number(line, 'runqueue_ns'), 0),
    threads: new Map(of('thread').map(line => [String(line['name']), number(line, 'tid')])),
    calls: of('calls').map(line => ({
      tid: number(line, 'tid'),
      function: String(line['function']),
      count: number(line, 'count'),
    })),
  };
}

/** Turns CLOCK_MONOTONIC into nanoseconds since a trace began, by the two clocks that a workload read at one moment. */
export function traceClock(workload: LogLine, startUnixNs: bigint): (monotonicNs: number) => number {
  const offset =
    BigInt(String(workload['realtime_ns'])) - BigInt(number(workload, 'monotonic_ns')) - startUnixNs;
  return monotonicNs => Number(BigInt(monotonicNs) + offset);
}

function number(line: LogLine, key: string): number {
  const value = line[key];
  if (typeof value !== 'number') throw new Error(`the log has no number "${key}" in ${JSON.stringify(line)}`);
  return value;
}

const overlapNs = (a: Interval, b: Interval): number =>
  Math.max(0, Math.min(a.endNs, b.endNs) - Math.max(a.startNs, b.startNs));

export interface LockTime {
  /** Blocked on the lock: from asking for it to its release. What follows is the way back to a CPU. */
  readonly blockedNs: number;
  /** The part of that in which the holder was runnable and not running. */
  readonly holderRunnableNs: number;
}

export function trueLockTime(truth: Truth, wait: Wait): LockTime {
  const holds = truth.holds.filter(hold => overlapNs(hold, wait) > 0);
  const releasedNs = Math.max(...holds.map(hold => hold.endNs));
  const stretches = holds.flatMap(hold => hold.off);
  return {
    blockedNs: holds.length === 0 ? 0 : Math.min(releasedNs, wait.endNs) - wait.startNs,
    holderRunnableNs: stretches.reduce((sum, off) => sum + overlapNs(off, wait), 0),
  };
}

/** The waits that lie in an interval whole. */
export const waitsInside = (truth: Truth, within: Interval): readonly Wait[] =>
  truth.waits.filter(wait => wait.startNs >= within.startNs && wait.endNs <= within.endNs);

/** What an explanation says of thread `victim`: its topmost lock nodes, and the leaves below their holders. */
export function saidLockTime(tree: CauseNode, victim: string, holder: string): LockTime {
  const locks = topmost(tree, node => node.edge === 'lock' && node.thread?.name === victim);
  const held = locks.flatMap(lock =>
    topmost(lock, node => node.edge === 'held_by' && node.thread?.name === holder),
  );
  return {
    blockedNs: sum(locks),
    holderRunnableNs: sum(held.flatMap(leaves).filter(leaf => leaf.state === 'runnable')),
  };
}

const sum = (nodes: readonly CauseNode[]): number =>
  nodes.reduce((total, node) => total + node.durationNs, 0);

/** The nodes nearest to the root that `wanted` takes; nothing below one of them is looked at. */
export function topmost(node: CauseNode, wanted: (node: CauseNode) => boolean): CauseNode[] {
  return wanted(node) ? [node] : node.children.flatMap(child => topmost(child, wanted));
}

export function leaves(node: CauseNode): CauseNode[] {
  return node.children.length === 0 ? [node] : node.children.flatMap(leaves);
}

export function everyNode(node: CauseNode): CauseNode[] {
  return [node, ...node.children.flatMap(everyNode)];
}

/** Time of each competitor's process that a tree names, by `behind` leaves. */
export function competitors(tree: CauseNode): Map<string, number> {
  const times = new Map<string, number>();
  for (const leaf of leaves(tree))
    if (leaf.edge === 'behind') {
      const name = leaf.thread?.process ?? '';
      times.set(name, (times.get(name) ?? 0) + leaf.durationNs);
    }
  return times;
}

/**
 * Nanoseconds that the leaves of a tree add up to more, or less, than its root says. 0 = conserved. A tree that was cut
 * for an answer over MCP says at each node how much time it left out there.
 */
export const unconservedNs = (tree: CauseNode): number =>
  sum(leaves(tree)) + everyNode(tree).reduce((total, node) => total + leftOutNs(node), 0) - tree.durationNs;

const leftOutNs = (node: CauseNode & { readonly leftOut?: { readonly timeNs: number } }): number =>
  node.leftOut?.timeNs ?? 0;

export const addLockTimes = (times: readonly LockTime[]): LockTime => ({
  blockedNs: times.reduce((total, time) => total + time.blockedNs, 0),
  holderRunnableNs: times.reduce((total, time) => total + time.holderRunnableNs, 0),
});

const toleranceNs = (trueNs: number): number => Math.max(0.05 * trueNs, 200_000);

export const agrees = (saidNs: number, trueNs: number): boolean =>
  Math.abs(saidNs - trueNs) <= toleranceNs(trueNs);
