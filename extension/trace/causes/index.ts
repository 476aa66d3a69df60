// The engine of causes: why CUDA calls, and the gaps between them, were slow. The chain view, the MCP tools and the
// reports all ask here: find the delays (delays.ts), explain each as a tree (explain.ts), fold trees that tell the same
// story (fold.ts), say it in words (phrase.ts).

import type { DatabaseSync } from 'node:sqlite';
import type { Belief, Cause, CausesQuery, CausesResult, ExplainQuery } from '../api.ts';
import { columnsOf } from '../columns/index.ts';
import { ns } from '../time.ts';
import { analyse } from './analyse.ts';
import { gapsKnown } from './gaps-known.ts';
import { headline } from './headline.ts';
import { floorOf, limitOf, wantedBy, windowOf } from './query.ts';
import { explainCall, explainWindow, explainWorst } from './single.ts';

/**
 * Ranked causes of what was slow in the window. `db` is a read-only trace that was vetted when it was opened; its
 * columns are loaded once and kept with it. Each tree adds up to its delay, and `byState` to all delays, to the
 * nanosecond. Throws TraceError: 'bad_query', 'damaged'.
 */
export function findCauses(db: DatabaseSync, query: CausesQuery, belief: Belief): CausesResult {
  const columns = columnsOf(db);
  const window = windowOf(columns, query.window);
  const limit = limitOf(query.limit);
  const wanted = wantedBy(columns, query.pid);
  const gapsAreKnown = gapsKnown(db);
  const { found, causes, byState, totalNs, skipped } = analyse(
    columns,
    window,
    floorOf(query.floorUs),
    wanted,
    gapsAreKnown,
  );
  const delays = {
    slowCalls: found.delays.filter(({ kind }) => kind === 'slow_call').length,
    slowGaps: found.delays.filter(({ kind }) => kind === 'slow_gap').length,
    sums: found.sums.length,
    totalNs: ns(totalNs),
  };
  const threads = {
    cuda: found.threads.length,
    late: new Set(found.delays.map(({ thread }) => thread)).size,
  };
  const remarks = columns.defects.map(defect => `Not believed in this file: ${defect}.`);
  if (skipped > 0) remarks.push(`${skipped} of the shorter delays were not explained one by one.`);
  return {
    window,
    causes: causes.slice(0, limit),
    total: causes.length,
    delays,
    byState,
    headline: headline(causes, delays, byState, window.endNs - window.startNs, threads, gapsAreKnown),
    belief: remarks.length === 0 ? belief : { ...belief, remarks: [...belief.remarks, ...remarks] },
  };
}

/**
 * One delay explained, slow or not: a call by its id, a window of a thread (thread.id), or the worst of a process.
 * The cause has that one tree as its example, and is not called a lead for having been seen once. Throws TraceError:
 * 'not_in_trace' for an unknown call, thread or process, 'bad_query' for a window that holds no time.
 */
export function explainDelay(db: DatabaseSync, query: ExplainQuery): Cause {
  const columns = columnsOf(db);
  if ('call' in query) return explainCall(columns, query.call);
  if ('thread' in query) return explainWindow(columns, query.thread, windowOf(columns, query.window));
  return explainWorst(columns, windowOf(columns, query.worst.window), query.worst.pid, gapsKnown(db));
}
