// One delay that was named by whoever asks: a call, a window of a thread, the worst of a process.

import type { Cause, CauseNode } from '../api.ts';
import { rowOfCall } from '../columns/calls.ts';
import type { Columns } from '../columns/index.ts';
import { TraceError } from '../error.ts';
import { ns, type Span } from '../time.ts';
import { analyse, treeOf } from './analyse.ts';
import { outermost } from './delays.ts';
import { Folds } from './fold.ts';
import { floorOf, wallOf, wantedBy } from './query.ts';
import { type Rooted, rootOfCall, rootOfWindow } from './roots.ts';
import { storiesOf } from './story.ts';
import { named, time } from './words.ts';

/** The call with this id (cuda_call.id), slow or not. Throws TraceError 'not_in_trace'. */
export function explainCall(columns: Columns, id: number): Cause {
  const row = rowOfCall(columns.calls, id);
  if (row < 0) throw new TraceError('not_in_trace', `This trace has no CUDA call with the id ${id}.`);
  return single(columns, rootOfCall(columns, row));
}

/** What the thread (thread.id) did in the window. Throws TraceError 'not_in_trace'. */
export function explainWindow(columns: Columns, threadId: number, { startNs, endNs }: Span): Cause {
  const thread = columns.threads.byId.get(threadId);
  if (thread === undefined) {
    throw new TraceError('not_in_trace', `This trace has no thread with the id ${threadId}.`);
  }
  return single(columns, rootOfWindow(columns, thread, startNs, endNs));
}

/**
 * The worst example of the first cause; where there is none, the longest delay; where nothing was slow, the longest
 * call. Throws TraceError 'not_in_trace' where the process made no call.
 */
export function explainWorst(
  columns: Columns,
  window: Span,
  pid: number | undefined,
  gapsAreKnown: boolean,
): Cause {
  const wanted = wantedBy(columns, pid);
  const { causes } = analyse(columns, window, floorOf(), wanted, gapsAreKnown);
  const roots = causes.filter(({ kind }) => kind === 'cause')[0]?.examples;
  const worst = roots?.[0] ?? longestExample(causes);
  if (worst !== undefined) return told(columns, worst, rootedAgain(columns, worst));
  const call = longestCall(columns, window, wanted);
  if (call !== undefined) return single(columns, rootOfCall(columns, call));
  const whose = pid === undefined ? 'in this window' : `by a process with pid ${pid} in this window`;
  throw new TraceError('not_in_trace', `This trace has no CUDA call ${whose}.`);
}

function longestExample(causes: readonly Cause[]): CauseNode | undefined {
  let longest: CauseNode | undefined;
  for (const { kind, examples } of causes) {
    for (const root of examples) {
      const counts = kind !== 'innocent' && root.edge !== 'sum';
      if (counts && (longest === undefined || root.durationNs > longest.durationNs)) longest = root;
    }
  }
  return longest;
}

function rootedAgain(columns: Columns, root: CauseNode): Pick<Rooted, 'thread' | 'what' | 'from'> {
  const [row] = root.rows;
  const call = row?.table === 'cuda_call' ? rowOfCall(columns.calls, row.id) : -1;
  const { thread, what, from } = rootOfCall(columns, Math.max(0, call));
  return root.edge === 'slow_gap' ? { thread, what: 'gap', from: '' } : { thread, what, from };
}

function single(columns: Columns, rooted: Rooted): Cause {
  return told(columns, treeOf(columns, rooted), rooted);
}

/**
 * One tree as a cause: the story that counts most tells the sentence, the numbers are the whole delay's. That it
 * happened once does not make it a lead: it was asked for.
 */
function told(columns: Columns, root: CauseNode, rooted: Pick<Rooted, 'thread' | 'what' | 'from'>): Cause {
  const folds = new Folds(columns, 0);
  for (const story of storiesOf(root)) folds.add({ ...rooted, root, story });
  const window = { startNs: ns(0), endNs: ns(columns.captureEndNs) };
  const stories = [...folds.causes(thread => wallOf(columns, thread, window.startNs, window.endNs), true)];
  stories.sort((a, b) => b.timeNs - a.timeNs);
  const blamed = stories.find(({ kind, timeNs }) => kind === 'cause' && timeNs * 4 >= root.durationNs);
  const first = blamed ?? stories[0];
  if (first === undefined) return nothingToTell(root);
  return {
    ...first,
    timeNs: root.durationNs,
    explained: 1 - unexplainedTime(root) / root.durationNs,
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
    state: root.state,
    examples: [root],
  };
}

function unexplainedTime(node: CauseNode): number {
  if (node.children.length === 0) return node.edge === 'unexplained' ? node.durationNs : 0;
  return node.children.reduce((sum, child) => sum + unexplainedTime(child), 0);
}

function longestCall(
  columns: Columns,
  window: Span,
  wanted: (thread: number) => boolean,
): number | undefined {
  const { calls } = columns;
  let longest: number | undefined;
  let longestNs = -1;
  for (let thread = 0; thread < columns.threads.count; thread++) {
    if (!wanted(thread)) continue;
    for (const row of outermost(columns, thread)) {
      const startNs = calls.startNs[row] as number;
      const endNs = calls.endNs[row] as number;
      if (endNs <= window.startNs || startNs >= window.endNs || endNs - startNs <= longestNs) continue;
      longest = row;
      longestNs = endNs - startNs;
    }
  }
  return longest;
}
