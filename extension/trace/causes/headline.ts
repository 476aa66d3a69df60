// The answer first: one sentence over all findings, which stand below it each with a sentence of its own and are not
// repeated here. And the suspects that were cleared.

import type { Cause, CausesResult, State } from '../api.ts';
import { ns } from '../time.ts';
import { idOf } from './fold.ts';
import { STATE_WORDS } from './phrase.ts';
import { counted, percent, time } from './words.ts';

export type ByState = CausesResult['byState'];

/** Waiting for a CPU under this share of the slow time clears the scheduler. */
const CLEARED = 0.02;
/** Where the time went is told by its largest parts, none under this share. */
const PARTS = 3;
const WORTH_TELLING = 0.05;

export function headline(
  causes: readonly Cause[],
  delays: CausesResult['delays'],
  byState: ByState,
  windowNs: number,
  threads: { readonly cuda: number; readonly late: number },
  gapsAreKnown = true,
): string {
  if (threads.cuda === 0) return 'No thread made a CUDA call in this window: there is no delay to explain.';
  const { slowCalls, slowGaps, totalNs } = delays;
  if (slowCalls + slowGaps === 0 && !gapsAreKnown) {
    return `No CUDA call that is in this file took longer than its like in ${time(windowNs)}; gaps between calls are not known, since not every call was stored.`;
  }
  if (slowCalls + slowGaps === 0) {
    return `Nothing was slow: no CUDA call, and no gap between two, took longer than its like in ${time(windowNs)}.`;
  }
  const lost = [
    slowCalls > 0 ? counted(slowCalls, 'slow call') : undefined,
    slowGaps > 0 ? counted(slowGaps, 'slow gap') : undefined,
  ].filter(part => part !== undefined);
  const cost = `In ${time(windowNs)}, ${counted(threads.late, 'thread')} lost ${time(totalNs)} in ${lost.join(' and ')}`;
  const parts = byState
    .slice(0, PARTS)
    .filter(({ timeNs }) => timeNs >= WORTH_TELLING * totalNs)
    .map(({ state, timeNs }) => `${percent(timeNs / totalNs)} ${STATE_WORDS[state]}`);
  const where = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
  const seen = causes.some(({ kind }) => kind === 'cause' || kind === 'lead');
  return `${cost}${where}.${seen ? '' : ' Nothing was seen to hold them up.'}`;
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
