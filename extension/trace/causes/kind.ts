// What a story amounts to (causes.md, "The result"): something that held the thread up and was seen (cause), something
// like it that is not certain (lead), or where the time simply went (work).

import type { CauseKind, Edge, Severity } from '../api.ts';
import { isByProbe } from './kernel-site.ts';
import { edgeOf, type Path } from './story.ts';

const TROUBLE: ReadonlySet<Edge> = new Set([
  'held_by',
  'hand_off',
  'behind',
  'throttled',
  'disk',
  'network',
  'page_fault',
  'child',
  'kernel_lock',
]);
const BLAMES: ReadonlySet<Edge> = new Set(['behind', 'waited_for', 'held_by']);
const NOBODYS_FAULT: ReadonlySet<Edge> = new Set(['gpu', 'asked_to_sleep', 'interrupt']);

/**
 * By the path alone; how often and how surely it was seen is asked afterwards. What the collector itself cost is told,
 * but is nobody's trouble: without a capture it is not there.
 */
export function kindOfPath(path: Path, collectorPid: number | undefined): 'cause' | 'work' | 'lead' {
  const blames = path.findLast(({ worst }) => BLAMES.has(worst.edge));
  if (collectorPid !== undefined && blames?.worst.thread?.pid === collectorPid) return 'work';
  const edges = path.map(edgeOf);
  const last = edges[edges.length - 1] ?? 'unexplained';
  // Without a capture nobody would have asked for that lock then.
  if (path.some(({ worst }) => worst.edge === 'kernel_lock' && isByProbe(worst.label))) return 'work';
  if (edges.some(edge => TROUBLE.has(edge))) return 'cause';
  // The scheduler alone kept it waiting.
  if (edges[0] === 'runnable') return 'cause';
  if (edges[0] === 'lock') return 'lead';
  if (edges.includes('waited_for')) {
    if (NOBODYS_FAULT.has(last)) return 'work';
    return last === 'on_cpu' || last === 'runnable' ? 'cause' : 'lead';
  }
  return 'work';
}

/** Fewer occurrences than this are a lead. */
const OFTEN = 3;
const MOSTLY_EXPLAINED = 0.6;
/** Under the confidence of a waker that was seen: a link that was only inferred. */
const INFERRED_BELOW = 0.65;

export function certain(
  kind: 'cause' | 'work' | 'lead',
  seen: { readonly count: number; readonly explained: number; readonly confidence: number },
): CauseKind {
  if (kind !== 'cause') return kind;
  const sure = seen.count >= OFTEN && seen.explained >= MOSTLY_EXPLAINED && seen.confidence >= INFERRED_BELOW;
  return sure ? 'cause' : 'lead';
}

const LONG_STALL_NS = 100e6;

/** Of causes and leads: by share of the critical thread's time, or by the longest single stall. */
export function severityOf(kind: CauseKind, share: number, longestStallNs: number): Severity | undefined {
  if (kind !== 'cause' && kind !== 'lead') return undefined;
  if (share >= 0.1 || longestStallNs >= LONG_STALL_NS) return 'critical';
  if (share >= 0.03) return 'high';
  return share >= 0.01 ? 'medium' : 'low';
}
