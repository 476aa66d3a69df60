// Stretches in which events are missing, and on which kinds of rows they would have been. What is thinned from the first
// to the last moment is no stretch: the Overview says it, and hatching all of the picture would hide what is there. Pure.

import type { Belief, Track } from '../../extension/trace/api.ts';
import { formatCount, formatShare, plain } from '../base/format.ts';

export interface Missing {
  readonly startNs: number;
  readonly endNs: number;
  readonly kinds: readonly Track['kind'][];
  readonly words: string;
}

const ALL: readonly Track['kind'][] = ['cuda', 'off_cpu', 'cpu'];

/** schema.sql, loss.class. Lives, stacks and the host's own events are missed everywhere. */
const KINDS: ReadonlyMap<string, readonly Track['kind'][]> = new Map([
  ['cuda', ['cuda']],
  ['scheduler', ['off_cpu', 'cpu']],
]);

/** In order of time. */
export const missingParts = (belief: Belief, captureNs: number): readonly Missing[] =>
  [
    ...belief.losses.map(loss => ({
      startNs: loss.startNs,
      endNs: loss.startNs + loss.durationNs,
      kinds: KINDS.get(loss.class) ?? ALL,
      words: `${formatCount(loss.events)} ${plain(loss.class)} events lost`,
    })),
    ...belief.coverage
      .filter(part => part.kept < 1 && !(part.startNs <= 0 && part.durationNs >= captureNs))
      .map(part => ({
        startNs: part.startNs,
        endNs: part.startNs + part.durationNs,
        kinds: ALL,
        words: `${plain(part.what)}: ${formatShare(part.kept)} kept`,
      })),
  ].sort((a, b) => a.startNs - b.startNs);
