// Exact percentiles and a histogram of durations: sorted once, nearest rank (the smallest value that at least p of all
// values do not exceed), no interpolation and no sampling.

import { lowerBound } from '../columns/search.ts';

/** Lower edges of the histogram's bins in ns: the first holds everything under 1 us, then powers of two of 1 us. */
export const STATS_BIN_NS: readonly number[] = [0, ...Array.from({ length: 26 }, (_, i) => 1000 * 2 ** i)];

/** The value of rank ceil(p * n); `sorted` ascends and is not empty. */
export function nearestRank(sorted: Float64Array, p: number): number {
  const rank = Math.ceil(p * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? 0;
}

/** Values in each bin of STATS_BIN_NS; the last bin has no upper edge. `sorted` ascends. */
export function histogram(sorted: Float64Array): number[] {
  const edges = STATS_BIN_NS.map((edge, bin) => (bin === 0 ? 0 : lowerBound(sorted, edge)));
  return edges.map((edge, bin) => (edges[bin + 1] ?? sorted.length) - edge);
}
