// When is a duration slow? Against its own kind: the median plus 8 times the median absolute deviation, which outliers
// cannot move, at least half as long again as the median, and never under a floor.

import { lowerBound } from '../columns/search.ts';

/** Nearest-rank percentile of ascending values; `share` 0 to 1; 0 for none. */
export function percentile(ascending: Float64Array, share: number): number {
  const rank = Math.ceil(share * ascending.length) - 1;
  return ascending[Math.min(ascending.length - 1, Math.max(0, rank))] ?? 0;
}

/** Median of the distances of ascending values from `centre`: from there outward, whichever side is nearer next. */
export function medianDeviation(ascending: Float64Array, centre: number): number {
  const rank = Math.ceil(0.5 * ascending.length);
  let above = lowerBound(ascending, centre);
  let below = above - 1;
  let distance = 0;
  for (let taken = 0; taken < rank; taken++) {
    const up = above < ascending.length ? (ascending[above] as number) - centre : Number.POSITIVE_INFINITY;
    const down = below >= 0 ? centre - (ascending[below] as number) : Number.POSITIVE_INFINITY;
    distance = Math.min(up, down);
    if (up <= down) above++;
    else below--;
  }
  return distance;
}

export interface Threshold {
  /** Slow is longer than this. */
  readonly aboveNs: number;
  /** What was compared with; 'floor' where even the fastest are slow and nothing is left to compare with. */
  readonly comparedWith: 'median' | 'fastest' | 'floor';
}

const DEVIATIONS = 8;
/** A loop that keeps time to a few microseconds is not late by ten. */
const HALF_AGAIN = 1.5;

const unusual = (usualNs: number, deviationNs: number): number =>
  Math.max(usualNs + DEVIATIONS * deviationNs, usualNs * HALF_AGAIN);

/**
 * Where most values are above the floor the median hides that they are slow (a thread that meets a contended lock at
 * every call): then compare with the 5th percentile and the spread of the fastest tenth. Sorts `durationsNs` in place:
 * there may be millions.
 */
export function threshold(durationsNs: Float64Array, floorNs: number): Threshold {
  const ascending = durationsNs.sort();
  const median = percentile(ascending, 0.5);
  if (median <= floorNs) {
    return {
      aboveNs: Math.max(floorNs, unusual(median, medianDeviation(ascending, median))),
      comparedWith: 'median',
    };
  }
  const fast = percentile(ascending, 0.05);
  if (fast > floorNs) return { aboveNs: floorNs, comparedWith: 'floor' };
  const fastest = ascending.subarray(0, Math.max(1, Math.ceil(ascending.length / 10)));
  return {
    aboveNs: Math.max(floorNs, unusual(fast, medianDeviation(fastest, fast))),
    comparedWith: 'fastest',
  };
}
