// The engine of causes: why CUDA calls, and the gaps between them, were slow. The chain view, the MCP tools and the
// reports all ask here. design: find the delays, explain each as a tree, fold trees that tell the same story.

import type { DatabaseSync } from 'node:sqlite';
import type { Belief, Cause, CauseNode, CausesQuery, CausesResult, ExplainQuery, State } from '../api.ts';
import { type Columns, columnsOf } from '../columns/index.ts';
import { TraceError } from '../error.ts';
import { ns, type Span } from '../time.ts';
import { type Delay, findDelays, outermost } from './delays.ts';
import { explain } from './explain.ts';
import { Folds } from './fold.ts';
import { headline, innocents } from './headline.ts';
import { type Rooted, rootOfCall, rootOfDelay, rootOfWindow } from './roots.ts';
import { addStates } from './states.ts';
import { storiesOf } from './story.ts';
import { causeOfSum } from './sums.ts';
import { LockWakes } from './wakes.ts';
import { named, time } from './words.ts';

const DEFAULT_FLOOR_US = 1000;
/** More delays than this are not explained one by one: the longest are, the rest counts as unexplained. */
const MOST_DELAYS = 50_000;
/** Of the slowest delays, so many are explained before one is called the worst. */
const CANDIDATES = 16;

const unlocks = new WeakMap<Columns, LockWakes>();

/** Ranked causes of what was slow in the window; the trees add up to it, to the nanosecond. */
export function findCauses(db: DatabaseSync, query: CausesQuery, belief: Belief): CausesResult {
  const columns = columnsOf(db);
  const window = windowOf(columns, query.window);
  const floorNs = floorOf(query.floorUs);
  const windowNs = window.endNs - window.startNs;
  const found = findDelays(columns, window.startNs, window.endNs, floorNs, wantedBy(columns, query.pid));
  const folds = new Folds(columns, floorNs);
  const states = new Map<State, number>();
  let totalNs = 0;
  const explained = longest(found.delays);
  for (const delay of found.delays) totalNs += delay.endNs - delay.startNs;
  for (const delay of explained) {
    const { rooted, root } = explainRoot(columns, rootOfDelay(columns, delay));
    addStates(states, root);
    for (const story of storiesOf(root)) {
      folds.add({ root, story, what: rooted.what, thread: rooted.thread });
    }
  }
  const skippedNs = totalNs - [...states.values()].reduce((sum, timeNs) => sum + timeNs, 0);
  if (skippedNs > 0) states.set('unexplained', (states.get('unexplained') ?? 0) + skippedNs);

  const wallNs = (thread: number): number => wallOf(columns, thread, window);
  const sums = found.sums.map(sum =>
    causeOfSum(columns, sum, wallNs(sum.thread), call => wholeCall(columns, call, 'sum')),
  );
  const byState = [...states]
    .map(([state, timeNs]) => ({ state, timeNs: ns(timeNs) }))
    .sort((a, b) => b.timeNs - a.timeNs || (a.state < b.state ? -1 : 1));
  const causes = [...folds.causes(wallNs), ...sums, ...innocents(byState, totalNs)];
  const delays = {
    slowCalls: found.delays.filter(({ kind }) => kind === 'slow_call').length,
    slowGaps: found.delays.filter(({ kind }) => kind === 'slow_gap').length,
    sums: found.sums.length,
    totalNs: ns(totalNs),
  };
  return {
    window,
    causes: causes.slice(0, limitOf(query.limit)),
    total: causes.length,
    delays,
    byState,
    headline: headline(causes, delays, windowNs, found.threads.length),
    belief: withDefects(belief, columns, found.delays.length - explained.length),
  };
}

/**
 * One delay explained, slow or not: a call by its id, a window of a thread (thread.id), or the worst of a process.
 * Throws TraceError: 'not_in_trace' for an unknown call or thread, 'bad_query' for a window that holds no time.
 */
export function explainDelay(db: DatabaseSync, query: ExplainQuery): Cause {
  const columns = columnsOf(db);
  if ('call' in query) {
    const row = columns.calls.id.indexOf(query.call);
    if (row < 0)
      throw new TraceError('not_in_trace', `This trace has no CUDA call with the id ${query.call}.`);
    return single(columns, rootOfCall(columns, row, ...spanOfCall(columns, row)));
  }
  if ('thread' in query) {
    const thread = columns.threads.byId.get(query.thread);
    if (thread === undefined) {
      throw new TraceError('not_in_trace', `This trace has no thread with the id ${query.thread}.`);
    }
    const { startNs, endNs } = windowOf(columns, query.window);
    return single(columns, rootOfWindow(columns, thread, startNs, endNs));
  }
  return worst(columns, windowOf(columns, query.worst.window), query.worst.pid);
}

/** The delay of a process that lost most to something that can be helped; where there is none, the longest. */
function worst(columns: Columns, window: Span, pid: number | undefined): Cause {
  const wanted = wantedBy(columns, pid);
  const { delays } = findDelays(columns, window.startNs, window.endNs, DEFAULT_FLOOR_US * 1000, wanted);
  const candidates = [...delays]
    .sort((a, b) => b.endNs - b.startNs - (a.endNs - a.startNs) || a.startNs - b.startNs)
    .slice(0, CANDIDATES)
    .map(delay => single(columns, rootOfDelay(columns, delay)));
  const blamed = candidates.filter(({ kind }) => kind === 'cause' || kind === 'lead');
  const most = blamed.sort((a, b) => b.timeNs - a.timeNs)[0] ?? candidates[0];
  if (most !== undefined) return most;
  const call = longestCall(columns, window, wanted);
  if (call === undefined) {
    const whose = pid === undefined ? 'in this window' : `by a process with pid ${pid} in this window`;
    throw new TraceError('not_in_trace', `This trace has no CUDA call ${whose}.`);
  }
  return single(columns, rootOfCall(columns, call, ...spanOfCall(columns, call)));
}

/** One tree as a cause: its weightiest story tells the sentence, the numbers are the whole delay's. */
function single(columns: Columns, rooted: Rooted): Cause {
  const { root } = explainRoot(columns, rooted);
  const folds = new Folds(columns, 0);
  for (const story of storiesOf(root)) folds.add({ root, story, what: rooted.what, thread: rooted.thread });
  const window = { startNs: ns(0), endNs: ns(columns.captureEndNs) };
  const stories = folds.causes(thread => wallOf(columns, thread, window), true);
  const told = [...stories].sort((a, b) => b.timeNs - a.timeNs);
  const first = told.find(({ kind, timeNs }) => kind === 'cause' && timeNs * 4 >= root.durationNs) ?? told[0];
  if (first === undefined) return nothingToTell(root);
  const unexplainedNs = leafTime(root, 'unexplained');
  return {
    ...first,
    timeNs: root.durationNs,
    explained: 1 - unexplainedNs / root.durationNs,
    examples: [root],
  };
}

/** A delay of no length: there is nothing in it to explain. */
function nothingToTell(root: CauseNode): Cause {
  return {
    id: 'nothing',
    kind: 'work',
    sentence: `\`${root.label}\` on ${named(root.thread)} took ${time(root.durationNs)}: nothing to explain.`,
    severity: undefined,
    confidence: { value: root.confidence, loweredBy: [] },
    share: 0,
    timeNs: root.durationNs,
    count: 1,
    explained: 1,
    examples: [root],
  };
}

function explainRoot(
  columns: Columns,
  rooted: Rooted,
): { readonly rooted: Rooted; readonly root: CauseNode } {
  let wakes = unlocks.get(columns);
  if (wakes === undefined) {
    wakes = new LockWakes(columns);
    unlocks.set(columns, wakes);
  }
  return { rooted, root: explain(columns, wakes, rooted.root, rooted.thread, rooted.around) };
}

function wholeCall(columns: Columns, call: number, edge: CauseNode['edge']): CauseNode {
  const rooted = rootOfCall(columns, call, ...spanOfCall(columns, call));
  return explainRoot(columns, { ...rooted, root: { ...rooted.root, edge } }).root;
}

function spanOfCall({ calls }: Columns, call: number): readonly [number, number] {
  return [calls.startNs[call] ?? 0, calls.endNs[call] ?? 0];
}

function longestCall(
  columns: Columns,
  window: Span,
  wanted: (thread: number) => boolean,
): number | undefined {
  let longestRow: number | undefined;
  let longestNs = -1;
  for (let thread = 0; thread < columns.threads.count; thread++) {
    if (!wanted(thread)) continue;
    for (const row of outermost(columns, thread)) {
      const [startNs, endNs] = spanOfCall(columns, row);
      if (endNs <= window.startNs || startNs >= window.endNs || endNs - startNs <= longestNs) continue;
      longestRow = row;
      longestNs = endNs - startNs;
    }
  }
  return longestRow;
}

function longest(delays: readonly Delay[]): readonly Delay[] {
  if (delays.length <= MOST_DELAYS) return delays;
  return [...delays].sort((a, b) => b.endNs - b.startNs - (a.endNs - a.startNs)).slice(0, MOST_DELAYS);
}

function leafTime(node: CauseNode, edge: CauseNode['edge']): number {
  if (node.children.length === 0) return node.edge === edge ? node.durationNs : 0;
  return node.children.reduce((sum, child) => sum + leafTime(child, edge), 0);
}

/** The part of the window in which the thread lived. */
function wallOf(columns: Columns, thread: number, window: Span): number {
  const from = Math.max(window.startNs, columns.threads.startNs[thread] ?? 0);
  const to = Math.min(window.endNs, columns.threads.endNs[thread] ?? window.endNs);
  return Math.max(0, to - from);
}

/** A process is named as the host or as its container sees it. */
function wantedBy(columns: Columns, pid: number | undefined): (thread: number) => boolean {
  if (pid === undefined) return () => true;
  return thread => {
    const process = columns.threads.processes[thread];
    return process?.pid === pid || process?.namespacePid === pid;
  };
}

function windowOf(columns: Columns, window: Span | undefined): Span {
  const end = columns.captureEndNs;
  if (window === undefined) return { startNs: ns(0), endNs: ns(end) };
  if (!Number.isSafeInteger(window.startNs) || !Number.isSafeInteger(window.endNs)) {
    throw new TraceError(
      'bad_query',
      'A window begins and ends at whole nanoseconds since the capture began.',
    );
  }
  const startNs = ns(Math.max(0, window.startNs));
  const endNs = ns(Math.min(end, window.endNs));
  if (startNs >= endNs) {
    throw new TraceError(
      'bad_query',
      `The window from ${time(window.startNs)} to ${time(window.endNs)} holds nothing of this capture, which lasted ${time(end)}.`,
      'Give a start before its end, both within the capture.',
    );
  }
  return { startNs, endNs };
}

function floorOf(floorUs: number | undefined): number {
  if (floorUs === undefined) return DEFAULT_FLOOR_US * 1000;
  if (Number.isFinite(floorUs) && floorUs >= 0) return floorUs * 1000;
  throw new TraceError('bad_query', `floor_us is a number of microseconds, 0 or more, not ${floorUs}.`);
}

function limitOf(limit: number | undefined): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new TraceError('bad_query', `limit is a whole number, 0 or more, not ${limit}.`);
}

function withDefects(belief: Belief, columns: Columns, skipped: number): Belief {
  const remarks = columns.defects.map(defect => `Not believed in this file: ${defect}.`);
  if (skipped > 0) {
    remarks.push(`${skipped} of the shorter delays were not explained: only the longest ${MOST_DELAYS} are.`);
  }
  return remarks.length === 0 ? belief : { ...belief, remarks: [...belief.remarks, ...remarks] };
}
