// The time of events too short to draw, by bucket and reason. The thinned rectangles keep the longest event of a
// bucket, which says what is there but not how much of it: a thread that waits for 10 us in each of 500 us would be
// painted as one that mostly waits. These sums let the picture give each state the room it took.

import type { ShortTimes } from '../api.ts';
import type { OffCpu } from '../columns/off-cpu.ts';
import { lowerBound } from '../columns/search.ts';
import type { Rows } from './overlap.ts';

/** Blocked, then runnable, of each reason that a bucket has. */
type Bucket = Map<number, { blockedNs: number; runnableNs: number }>;

/**
 * The intervals of one thread (`rows`) that begin in [fromNs, toNs), and the one that reaches into it, where shorter than a
 * bucket. `colours` has the colour of each reason code.
 */
export function shortTimes(
  { startNs, wokenNs, endNs, reason }: OffCpu,
  rows: Rows,
  colours: Uint16Array,
  { fromNs, toNs, bucketNs }: { readonly fromNs: number; readonly toNs: number; readonly bucketNs: number },
): ShortTimes {
  const made: { startNs: number; colour: number; blockedNs: number; runnableNs: number }[] = [];
  let bucket: Bucket = new Map();
  let bucketStart = Number.NaN;
  const close = (): void => {
    for (const [colour, times] of bucket) made.push({ startNs: bucketStart, colour, ...times });
    bucket = new Map();
  };
  // Events come in order and do not overlap, so their parts do too: only the last bucket is ever added to.
  const add = (colour: number, from: number, to: number, what: 'blockedNs' | 'runnableNs'): void => {
    for (let at = from; at < to; ) {
      const start = Math.floor(at / bucketNs) * bucketNs;
      const end = Math.min(to, start + bucketNs);
      if (start !== bucketStart) {
        close();
        bucketStart = start;
      }
      let times = bucket.get(colour);
      if (times === undefined) {
        times = { blockedNs: 0, runnableNs: 0 };
        bucket.set(colour, times);
      }
      times[what] += end - at;
      at = end;
    }
  };
  const first = Math.max(rows.from, lowerBound(startNs, fromNs, rows.from, rows.to) - 1);
  for (let row = first; row < rows.to; row++) {
    const start = startNs[row] as number;
    if (start >= toNs) break;
    const end = endNs[row] as number;
    if (end - start >= bucketNs) continue;
    const woken = wokenNs[row] as number;
    const colour = colours[reason[row] as number] as number;
    add(colour, start, woken, 'blockedNs');
    add(colour, woken, end, 'runnableNs');
  }
  close();
  return {
    bucketNs,
    startNs: Float64Array.from(made, one => one.startNs),
    colour: Uint16Array.from(made, one => one.colour),
    blockedNs: Float64Array.from(made, one => one.blockedNs),
    runnableNs: Float64Array.from(made, one => one.runnableNs),
  };
}
