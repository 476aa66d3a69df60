// Level of detail: events that follow each other without overlap, thinned so that a picture never draws more than two
// of them in a pixel. Time is cut into buckets of a power of two; of the events that start in a bucket the longest is
// kept, with the number it stands for. A coarser level is stored only where it halves the one before, so all levels
// together are no larger than the events twice over; a bucket size in between is made from the finer level on the fly.

import { lowerBound } from '../columns/search.ts';

export interface Thinned {
  /** Row of the event that is drawn, ascending. */
  readonly rows: Int32Array;
  /** Events it stands for. */
  readonly counts: Uint32Array;
}

interface Level extends Thinned {
  /** Buckets are this long; 0: every event by itself. */
  readonly bucketNs: number;
  readonly startNs: Float64Array;
}

/** Buckets under 256 ns are never asked for: no screen shows so little time. */
const FINEST_NS = 256;

/** How long the buckets of a resolution are; 0: nothing is thinned. An event this long is always kept. */
export const bucketOf = (resolutionNs: number): number =>
  resolutionNs < FINEST_NS ? 0 : 2 ** Math.floor(Math.log2(resolutionNs));

export class Mipmap {
  readonly #startNs: Float64Array;
  readonly #endNs: Float64Array;
  readonly #levels: readonly Level[];

  /** Columns of one length; `startNs` ascends and no event begins before the one before it has ended. */
  constructor(startNs: Float64Array, endNs: Float64Array) {
    this.#startNs = startNs;
    this.#endNs = endNs;
    const rows = new Int32Array(startNs.length);
    for (let row = 0; row < rows.length; row++) rows[row] = row;
    const all: Level = { bucketNs: 0, startNs, rows, counts: new Uint32Array(startNs.length).fill(1) };
    const levels = [all];
    const last = startNs.at(-1) ?? 0;
    // Buckets shorter than the mean distance of events would merge little: they are made on the fly.
    const distance = (last - (startNs[0] ?? 0)) / Math.max(1, startNs.length);
    const shortest = Math.max(FINEST_NS, 2 ** Math.floor(Math.log2(Math.max(1, distance))));
    let finest = all;
    for (let bucketNs = shortest; bucketNs <= 2 * last && finest.rows.length > 1; bucketNs *= 2) {
      const level = this.#merge(finest, 0, finest.rows.length, bucketNs);
      if (level.rows.length * 2 > finest.rows.length) continue;
      const starts = new Float64Array(level.rows.length);
      for (let i = 0; i < starts.length; i++) starts[i] = startNs[level.rows[i] ?? 0] ?? 0;
      finest = { ...level, bucketNs, startNs: starts };
      levels.push(finest);
    }
    this.#levels = levels;
  }

  /** What to draw between two times at so many nanoseconds a pixel: at most two events a pixel, and one before them. */
  query(fromNs: number, toNs: number, resolutionNs: number): Thinned {
    const bucketNs = bucketOf(resolutionNs);
    const level = this.#levels.findLast(candidate => candidate.bucketNs <= bucketNs) ?? this.#levels[0];
    if (level === undefined) return { rows: new Int32Array(0), counts: new Uint32Array(0) };
    // From a bucket's edge on, so that panning does not change which event stands for a bucket.
    const aligned = bucketNs === 0 ? fromNs : Math.floor(fromNs / bucketNs) * bucketNs;
    const first = lowerBound(level.startNs, aligned);
    const end = lowerBound(level.startNs, toNs);
    const merged = this.#merge(level, first, Math.max(first, end), bucketNs);
    return this.#withEventBefore(merged, aligned, fromNs);
  }

  /** The last event before the first bucket, where it reaches into view. */
  #withEventBefore(thinned: Thinned, aligned: number, fromNs: number): Thinned {
    const before = lowerBound(this.#startNs, aligned) - 1;
    if (before < 0 || (this.#endNs[before] ?? 0) <= fromNs) return thinned;
    return { rows: Int32Array.of(before, ...thinned.rows), counts: Uint32Array.of(1, ...thinned.counts) };
  }

  #merge(level: Level, first: number, end: number, bucketNs: number): Thinned {
    if (bucketNs === 0) return { rows: level.rows.slice(first, end), counts: level.counts.slice(first, end) };
    const rows = new Int32Array(end - first);
    const counts = new Uint32Array(end - first);
    let length = 0;
    let bucket = Number.NaN;
    let longest = -1;
    for (let i = first; i < end; i++) {
      const row = level.rows[i] ?? 0;
      const start = this.#startNs[row] ?? 0;
      const lasting = (this.#endNs[row] ?? 0) - start;
      const own = Math.floor(start / bucketNs);
      if (own !== bucket) {
        bucket = own;
        longest = lasting;
        rows[length] = row;
        counts[length++] = level.counts[i] ?? 1;
        continue;
      }
      counts[length - 1] = (counts[length - 1] ?? 0) + (level.counts[i] ?? 1);
      if (lasting > longest) {
        longest = lasting;
        rows[length - 1] = row;
      }
    }
    return { rows: rows.slice(0, length), counts: counts.slice(0, length) };
  }
}
