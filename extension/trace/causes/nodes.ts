// The nodes of a tree, made in one place: a node's children cover it exactly, end to end, or it has none.

import type { CauseNode, Doubt, Edge, RowRef, State, ThreadRef } from '../api.ts';
import { ns } from '../time.ts';

/** Confidence of one link (causes.md, "Folding and ranking"). */
export const SEEN = 0.95;
export const HOLDER_INFERRED = 0.8;
export const WAKER_ONLY = 0.7;
export const PATTERN_ONLY = 0.6;
export const INFERRED = 0.6;
/** Factor where events of that class were lost or thinned inside the interval. */
export const LOSS = 0.5;

export interface Base {
  readonly edge: Edge;
  readonly state: State;
  readonly thread: ThreadRef | undefined;
  readonly startNs: number;
  readonly endNs: number;
  readonly label: string;
  readonly confidence?: number;
  readonly rows?: readonly RowRef[];
  readonly object?: CauseNode['object'] | undefined;
  readonly cpu?: number | undefined;
  readonly doubts?: readonly Doubt[] | undefined;
  readonly sampled?: CauseNode['sampled'] | undefined;
}

export function leaf(base: Base): CauseNode {
  return node(base, []);
}

/** Why an explanation goes no deeper here. */
export type Limit = 'depth' | 'nodes' | 'cycle' | 'crowd';
/** The children of a node, or why there are none. */
export type Expansion = readonly CauseNode[] | Limit;

const limits: Readonly<Record<Limit, string>> = {
  depth: 'not followed deeper than 16 steps',
  nodes: 'not followed: the explanation has 4096 steps',
  cycle: 'not followed: this thread is already part of the chain at that time',
  crowd: 'not followed: too many threads passed through here',
};

/** A node with what explains it; where that was cut short, a `limit` leaf that says which limit. */
export function branch(base: Base, children: Expansion): CauseNode {
  if (typeof children !== 'string') return node(base, children);
  return leaf({ ...base, edge: 'limit', label: `${base.label} (${limits[children]})` });
}

function node(base: Base, children: readonly CauseNode[]): CauseNode {
  return {
    edge: base.edge,
    state: base.state,
    thread: base.thread,
    startNs: ns(base.startNs),
    durationNs: ns(base.endNs - base.startNs),
    label: base.label,
    confidence: base.confidence ?? SEEN,
    rows: base.rows ?? [],
    children,
    ...(base.object === undefined ? {} : { object: base.object }),
    ...(base.cpu === undefined || base.cpu < 0 ? {} : { cpu: base.cpu }),
    ...(base.doubts === undefined || base.doubts.length === 0 ? {} : { doubts: base.doubts }),
    ...(base.sampled === undefined || base.sampled.length === 0 ? {} : { sampled: base.sampled }),
  };
}

export function unexplained(
  thread: ThreadRef | undefined,
  startNs: number,
  endNs: number,
  why: string,
  rows: readonly RowRef[] = [],
): CauseNode {
  return leaf({
    edge: 'unexplained',
    state: 'unexplained',
    thread,
    startNs,
    endNs,
    label: why,
    confidence: 0,
    rows,
  });
}
