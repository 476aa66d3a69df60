// The time of events too short to draw, by bucket and reason. The thinned rectangles keep the longest event of a
// bucket, which says what is there but not how much of it: a thread that waits for 10 us in each of 500 us would be
// painted as one that mostly waits. These sums let the picture give each state the room it took.

import type { ShortTimes } from '../api.ts';
import { lowerBound } from '../columns/search.ts';
import type { Level } from './tracks.ts';

/** Blocked, then runnable, of each reason that a bucket has. */
type Bucket = Map<number, { blockedNs: number; runnableNs: number }>;

/** The events of `level` that begin in [fromNs, toNs), and the one that reaches into it, where shorter than a bucket. */
export function shortTimes(level: Level, fromNs: number, toNs: number, bucketNs: number): ShortTimes {
  const { startNs, endNs, runnableNs, colour } = level;
  const made: { startNs: number; colour: number; blockedNs: number; runnableNs: number }[] = [];
  let bucket: Bucket = new Map();
  let bucketStart = Number.NaN;
  const close = (): void => {
    for (const [reason, times] of bucket) made.push({ startNs: bucketStart, colour: reason, ...times });
    bucket = new Map();
  };
  // Events come in order and do not overlap, so their parts do too: only the last bucket is ever added to.
  const add = (reason: number, from: number, to: number, what: 'blockedNs' | 'runnableNs'): void => {
    for (let at = from; at < to; ) {
      const start = Math.floor(at / bucketNs) * bucketNs;
      const end = Math.min(to, start + bucketNs);
      if (start !== bucketStart) {
        close();
        bucketStart = start;
      }
      let times = bucket.get(reason);
      if (times === undefined) {
        times = { blockedNs: 0, runnableNs: 0 };
        bucket.set(reason, times);
      }
      times[what] += end - at;
      at = end;
    }
  };
  const first = Math.max(0, lowerBound(startNs, fromNs) - 1);
  for (let row = first; row < startNs.length; row++) {
    const start = startNs[row] ?? 0;
    if (start >= toNs) break;
    const end = endNs[row] ?? 0;
    if (end - start >= bucketNs) continue;
    const woken = Math.max(start, end - (runnableNs?.[row] ?? 0));
    const reason = colour[row] ?? 0;
    add(reason, start, woken, 'blockedNs');
    add(reason, woken, end, 'runnableNs');
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
