// Level of detail: events that follow each other without overlap, thinned so that a picture never draws more than two
// of them in a pixel. Time is cut into buckets of a power of two; of the events that start in a bucket the longest is
// kept, with the number it stands for. A level of buckets is made when a picture first needs one, in a single pass over the
// next finer one, and kept where it is at most half of that, so that all levels together are no larger than the events.

export interface Thinned {
  /** Row of the event that is drawn, ascending. */
  readonly rows: Int32Array;
  /** Events it stands for. */
  readonly counts: Uint32Array;
}

interface Level {
  readonly rows: Int32Array;
  /** Left out where each row stands for itself. */
  readonly counts: Uint32Array | undefined;
  /** Buckets are this long; 0: every event by itself. */
  readonly bucketNs: number;
}

/** Buckets under 256 ns are never asked for: no screen shows so little time. */
const FINEST_NS = 256;
/** How long the buckets of a resolution are; 0: nothing is thinned. An event this long is always kept. */
export const bucketOf = (resolutionNs: number): number =>
  resolutionNs < FINEST_NS ? 0 : 2 ** Math.floor(Math.log2(resolutionNs));

/** Fewer events than this are merged on the fly. */
const FEW = 4096;

export class Mipmap {
  readonly #startNs: Float64Array;
  readonly #endNs: Float64Array;
  readonly #all: Level;
  /** From the finest to the coarsest. */
  #levels: readonly Level[];

  /**
   * The events of `rows`, which ascend, in columns that others may share: `startNs` ascends among them, and no event
   * begins before the one before it has ended.
   */
  constructor(startNs: Float64Array, endNs: Float64Array, rows: Int32Array) {
    this.#startNs = startNs;
    this.#endNs = endNs;
    this.#all = { bucketNs: 0, rows, counts: undefined };
    this.#levels = [this.#all];
  }

  /** What to draw between two times at so many nanoseconds a pixel: at most two events a pixel, and one before them. */
  query(fromNs: number, toNs: number, resolutionNs: number): Thinned {
    const bucketNs = bucketOf(resolutionNs);
    // From a bucket's edge to another's, so that panning does not change which event stands for a bucket.
    const aligned = bucketNs === 0 ? fromNs : Math.floor(fromNs / bucketNs) * bucketNs;
    const until = bucketNs === 0 ? toNs : Math.ceil(toNs / bucketNs) * bucketNs;
    const level = this.#levelFor(bucketNs, aligned, until);
    const first = this.#firstFrom(level, aligned);
    const end = this.#firstFrom(level, until);
    const merged = this.#merge(level, first, Math.max(first, end), bucketNs);
    return this.#withEventBefore(merged, aligned, fromNs);
  }

  /** The coarsest level that is fine enough; made where the next finer one has many events between the two times. */
  #levelFor(bucketNs: number, fromNs: number, toNs: number): Level {
    const finer = this.#levels.findLast(level => level.bucketNs <= bucketNs) ?? this.#all;
    if (finer.bucketNs === bucketNs) return finer;
    if (this.#firstFrom(finer, toNs) - this.#firstFrom(finer, fromNs) < FEW) return finer;
    const made = { ...this.#merge(finer, 0, finer.rows.length, bucketNs), bucketNs };
    if (made.rows.length * 2 > finer.rows.length) return finer;
    this.#levels = [...this.#levels, made].sort((a, b) => a.bucketNs - b.bucketNs);
    return made;
  }

  /** The first place of a level whose event starts at that time or later. */
  #firstFrom({ rows }: Level, timeNs: number): number {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#startNs[rows[middle] as number] as number) < timeNs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The last event before the first bucket, where it reaches into view. */
  #withEventBefore(thinned: Thinned, aligned: number, fromNs: number): Thinned {
    const before = this.#all.rows[this.#firstFrom(this.#all, aligned) - 1];
    if (before === undefined || (this.#endNs[before] as number) <= fromNs) return thinned;
    return { rows: Int32Array.of(before, ...thinned.rows), counts: Uint32Array.of(1, ...thinned.counts) };
  }

  #merge(level: Level, first: number, end: number, bucketNs: number): Thinned {
    const rows = new Int32Array(end - first);
    const counts = new Uint32Array(end - first);
    if (bucketNs === 0) return { rows: level.rows.slice(first, end), counts: counts.fill(1) };
    let length = 0;
    let bucketEnd = Number.NEGATIVE_INFINITY;
    let longest = -1;
    for (let i = first; i < end; i++) {
      const row = level.rows[i] as number;
      const start = this.#startNs[row] as number;
      const lasting = (this.#endNs[row] as number) - start;
      const count = level.counts === undefined ? 1 : (level.counts[i] as number);
      if (start >= bucketEnd) {
        bucketEnd = (Math.floor(start / bucketNs) + 1) * bucketNs;
        longest = lasting;
        rows[length] = row;
        counts[length++] = count;
        continue;
      }
      counts[length - 1] = (counts[length - 1] as number) + count;
      if (lasting > longest) {
        longest = lasting;
        rows[length - 1] = row;
      }
    }
    return { rows: rows.slice(0, length), counts: counts.slice(0, length) };
  }
}
