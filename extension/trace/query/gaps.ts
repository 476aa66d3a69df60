// How long no thread of a process had a launch under way: the nearest thing to GPU idle time that the host alone sees.

import type { LaunchGaps } from '../api.ts';
import { ns, type Span } from '../time.ts';
import type { Store } from './store.ts';

const LONGEST = 5;

/** For each process that launches in the window, longest gaps first; the edges of the window end a gap. */
export function launchGaps(
  store: Store,
  window: Span,
  threads: ReadonlySet<number> | undefined,
): LaunchGaps[] {
  const { calls, durationNs: captureEnd } = store;
  const launching = new Set<number>();
  for (const [id, fn] of store.functions) {
    if (fn.category === 'launch' || fn.name.endsWith('GraphLaunch')) launching.add(id);
  }
  const states = new Map<number, { busyUntil: number; gaps: Span[]; total: number }>();
  for (let row = 0; row < calls.count; row++) {
    const start = calls.startNs[row] ?? 0;
    if (start >= window.endNs) break;
    if (!launching.has(calls.function[row] ?? -1)) continue;
    const thread = calls.thread[row] ?? -1;
    if (threads !== undefined && !threads.has(thread)) continue;
    const duration = calls.durationNs[row] ?? -1;
    const end = duration < 0 ? captureEnd : start + duration;
    if (end <= window.startNs) continue;
    const process = store.threads.get(thread)?.processId ?? -1;
    let state = states.get(process);
    if (state === undefined) {
      state = { busyUntil: window.startNs, gaps: [], total: 0 };
      states.set(process, state);
    }
    if (start > state.busyUntil) addGap(state, state.busyUntil, start);
    state.busyUntil = Math.max(state.busyUntil, end);
  }
  const length = window.endNs - window.startNs;
  return [...states].map(([processId, state]) => {
    if (window.endNs > state.busyUntil) addGap(state, state.busyUntil, window.endNs);
    return {
      processId,
      process: store.processes.get(processId)?.name ?? '?',
      longest: state.gaps,
      share: length > 0 ? state.total / length : 0,
    };
  });
}

function addGap(state: { gaps: Span[]; total: number }, startNs: number, endNs: number): void {
  state.total += endNs - startNs;
  const shortest = state.gaps.at(-1);
  const length = endNs - startNs;
  if (state.gaps.length >= LONGEST && shortest !== undefined && shortest.endNs - shortest.startNs >= length)
    return;
  state.gaps.push({ startNs: ns(startNs), endNs: ns(endNs) });
  state.gaps.sort((a, b) => b.endNs - b.startNs - (a.endNs - a.startNs));
  state.gaps.length = Math.min(state.gaps.length, LONGEST);
}
