// A window analysed: its delays found, each explained as a tree, the trees folded into findings.

import type { Cause, CauseNode, State } from '../api.ts';
import type { Columns } from '../columns/index.ts';
import { ns, type Span } from '../time.ts';
import { type Delay, type Delays, findDelays } from './delays.ts';
import { explain } from './explain.ts';
import { byRank, Folds } from './fold.ts';
import { type ByState, innocents } from './headline.ts';
import { wallOf } from './query.ts';
import { type Rooted, rootOfCall, rootOfDelay } from './roots.ts';
import { addStates } from './states.ts';
import { storiesOf } from './story.ts';
import { causeOfSum } from './sums.ts';
import { LockWakes } from './wakes.ts';

/** More delays than this are not explained one by one: the longest are, the rest counts as unexplained. */
const MOST_DELAYS = 50_000;

export interface Analysis {
  readonly found: Delays;
  /** All findings, ranked. */
  readonly causes: readonly Cause[];
  /** Adds up to `totalNs`. */
  readonly byState: ByState;
  readonly totalNs: number;
  /** Delays that were left unexplained because there were too many. */
  readonly skipped: number;
}

export function analyse(
  columns: Columns,
  window: Span,
  floorNs: number,
  wanted: (thread: number) => boolean,
  gapsAreKnown: boolean,
): Analysis {
  const found = findDelays(columns, window.startNs, window.endNs, floorNs, wanted, gapsAreKnown);
  const folds = new Folds(columns, floorNs);
  const states = new Map<State, number>();
  const explained = longest(found.delays);
  let explainedNs = 0;
  for (const delay of explained) {
    const rooted = rootOfDelay(columns, delay);
    const root = treeOf(columns, rooted);
    explainedNs += root.durationNs;
    addStates(states, root);
    for (const story of storiesOf(root)) folds.add({ ...rooted, root, story });
  }
  const totalNs = found.delays.reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0);
  if (totalNs > explainedNs) {
    states.set('unexplained', (states.get('unexplained') ?? 0) + totalNs - explainedNs);
  }
  const byState = [...states]
    .map(([state, timeNs]) => ({ state, timeNs: ns(timeNs) }))
    .sort((a, b) => b.timeNs - a.timeNs || (a.state < b.state ? -1 : 1));
  const wallNs = (thread: number): number => wallOf(columns, thread, window.startNs, window.endNs);
  const sums = found.sums.map(sum =>
    causeOfSum(columns, sum, wallNs(sum.thread), call => treeOfSum(columns, call)),
  );
  return {
    found,
    causes: [...folds.causes(wallNs), ...sums, ...innocents(byState, totalNs)].sort(byRank),
    byState,
    totalNs,
    skipped: found.delays.length - explained.length,
  };
}

const unlocks = new WeakMap<Columns, LockWakes>();

/** The whole tree of one delay. */
export function treeOf(columns: Columns, { root, thread, around }: Rooted): CauseNode {
  let wakes = unlocks.get(columns);
  if (wakes === undefined) {
    wakes = new LockWakes(columns);
    unlocks.set(columns, wakes);
  }
  return explain(columns, wakes, root, thread, around);
}

function treeOfSum(columns: Columns, call: number): CauseNode {
  const rooted = rootOfCall(columns, call);
  return treeOf(columns, { ...rooted, root: { ...rooted.root, edge: 'sum' } });
}

function longest(delays: readonly Delay[]): readonly Delay[] {
  if (delays.length <= MOST_DELAYS) return delays;
  return [...delays].sort((a, b) => b.endNs - b.startNs - (a.endNs - a.startNs)).slice(0, MOST_DELAYS);
}
