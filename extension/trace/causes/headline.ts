// The answer first: one sentence over all findings. And the suspects that were cleared.

import type { Cause, CausesResult, State } from '../api.ts';
import { ns } from '../time.ts';
import { idOf } from './fold.ts';
import { counted, percent, time } from './words.ts';

export type ByState = CausesResult['byState'];

/** Waiting for a CPU under this share of the slow time clears the scheduler. */
const CLEARED = 0.02;

export function headline(
  causes: readonly Cause[],
  delays: CausesResult['delays'],
  windowNs: number,
  threads: { readonly cuda: number; readonly late: number },
): string {
  if (threads.cuda === 0) return 'No thread made a CUDA call in this window: there is no delay to explain.';
  const { slowCalls, slowGaps, totalNs } = delays;
  if (slowCalls + slowGaps === 0) {
    return `Nothing was slow: no CUDA call, and no gap between two, took longer than its like in ${time(windowNs)}.`;
  }
  const lost = [
    slowCalls > 0 ? counted(slowCalls, 'slow call') : undefined,
    slowGaps > 0 ? counted(slowGaps, 'slow gap') : undefined,
  ].filter(part => part !== undefined);
  const cost = `In ${time(windowNs)}, ${counted(threads.late, 'thread')} lost ${time(totalNs)} in ${lost.join(' and ')}`;
  const top = causes.find(({ kind }) => kind === 'cause') ?? causes.find(({ kind }) => kind === 'lead');
  if (top === undefined || totalNs === 0) {
    const work = causes.find(({ kind }) => kind === 'work');
    const most = work === undefined ? '' : ` Most of it: ${work.sentence}`;
    return `${cost}; nothing was seen to hold them up.${most}`;
  }
  const called = top.kind === 'cause' ? 'The first cause' : 'The first lead, not certain';
  return `${cost}. ${called}, ${percent(top.timeNs / totalNs)} of that: ${top.sentence}`;
}

/** "The scheduler is innocent: 99.4 % of the slow time was on the CPU", when it is so. */
export function innocents(byState: ByState, totalNs: number): readonly Cause[] {
  if (totalNs <= 0) return [];
  const share = (...states: readonly State[]): number =>
    byState.reduce((sum, { state, timeNs }) => (states.includes(state) ? sum + timeNs : sum), 0) / totalNs;
  const waiting = share('runnable', 'throttled');
  // What was not seen could have been anything.
  if (waiting >= CLEARED || share('unexplained') >= CLEARED) return [];
  const running = share('running');
  const why =
    running >= 0.5
      ? `${percent(running)} of the slow time was on the CPU`
      : `${percent(waiting)} of the slow time was spent waiting for a CPU`;
  return [
    {
      id: idOf('innocent scheduler'),
      kind: 'innocent',
      sentence: `The scheduler is innocent: ${why}.`,
      severity: undefined,
      confidence: { value: 0.95, loweredBy: [] },
      share: waiting,
      timeNs: ns(Math.round(waiting * totalNs)),
      count: 0,
      explained: 1,
      state: undefined,
      examples: [],
    },
  ];
}
