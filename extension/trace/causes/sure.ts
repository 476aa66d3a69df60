// How sure one link of an explanation is, and what lowered it (causes.md, "Folding and ranking").

import type { Doubt } from '../api.ts';
import type { Missing } from '../columns/belief.ts';
import type { Columns } from '../columns/index.ts';
import { HOLDER_INFERRED, INFERRED, LOSS, PATTERN_ONLY, SEEN, WAKER_ONLY } from './nodes.ts';

/** What a link rests on: events at both ends; an unlock; a waker alone; a pattern alone; rows of the host's class. */
export type Link = 'seen' | 'holder' | 'waker' | 'pattern' | 'host';

export interface Sureness {
  readonly confidence: number;
  readonly doubts: readonly Doubt[];
}

const RESTS_ON: Readonly<Record<Link, { readonly confidence: number; readonly doubt: Doubt | undefined }>> = {
  seen: { confidence: SEEN, doubt: undefined },
  host: { confidence: SEEN, doubt: undefined },
  holder: { confidence: HOLDER_INFERRED, doubt: 'holder' },
  waker: { confidence: WAKER_ONLY, doubt: 'waker' },
  pattern: { confidence: PATTERN_ONLY, doubt: 'pattern' },
};

/**
 * `row`: the off-CPU interval that the link was read from; where its end was inferred, so is the link. The scheduler's
 * events matter to every link, the host's to those that rest on them.
 */
export function sureness(
  columns: Columns,
  link: Link,
  startNs: number,
  endNs: number,
  row: number,
): Sureness {
  const { doubts, offCpu } = columns;
  const { confidence, doubt } = RESTS_ON[link];
  const found: Doubt[] = doubt === undefined ? [] : [doubt];
  let value = confidence;
  if (row >= 0 && offCpu.inferred[row] === 1) {
    value = Math.min(value, INFERRED);
    found.push('inferred');
  }
  const classes: readonly Missing[] = link === 'host' ? ['scheduler', 'host'] : ['scheduler'];
  if (classes.some(missing => doubts[missing].overlap(startNs, endNs))) {
    value *= LOSS;
    found.push('loss');
  }
  return { confidence: value, doubts: found };
}
