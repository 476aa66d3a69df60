// A thread that asked to sleep, or that waited no longer than it had said it would: voluntary, nobody's fault, and never
// called contention.

import type { CauseNode } from '../api.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { simple, type Wait } from './wait.ts';
import type { Walk } from './walk.ts';

export const asleep = (walk: Walk, wait: Wait): CauseNode =>
  simple(walk, wait, 'asked_to_sleep', 'sleep', 'asked to sleep');

export function timedOut(walk: Walk, wait: Wait): CauseNode {
  const reason = reasonOf(walk.columns.offCpu, wait.row);
  const what = reason === 'futex' ? 'wait for a signal' : reason === 'other' ? 'wait' : reason;
  return simple(walk, wait, 'asked_to_sleep', 'sleep', `in a ${what} that timed out, as it had asked`);
}
