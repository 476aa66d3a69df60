// The rows of the timeline: for each thread its CUDA calls and its off-CPU intervals, for each CPU who ran on it.
// A track is a range of the columns, cut into its nesting levels; its thinning is built when it is first drawn, and kept.

import type { Track, TrackId } from '../api.ts';
import { TraceError } from '../error.ts';
import { ns, type Span } from '../time.ts';
import { believed } from './belief.ts';
import { Mipmap } from './mipmap.ts';
import { type Rows, rowsOf } from './overlap.ts';
import { callPainter, type Painter, sliceOwner, waitPainter } from './painters.ts';
import type { Store } from './store.ts';

/** One nesting level of a track: events without overlap, and their thinning. */
interface Level {
  readonly depth: number;
  readonly mipmap: Mipmap;
}

export interface BuiltTrack {
  readonly id: TrackId;
  readonly levels: readonly Level[];
  /** Columns that the levels' rows refer to. */
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly painter: Painter;
}

/** Every track that has events: target processes first, then other threads, then CPUs. */
export function tracks(store: Store): readonly Track[] {
  return store.keep('tracks', () => {
    const { calls, offCpu, slices, threads } = store.columns;
    const list: Track[] = [];
    const known = [...store.threads.values()].sort(
      (a, b) => Number(b.isTarget) - Number(a.isTarget) || a.processId - b.processId || a.ref.id - b.ref.id,
    );
    for (const { ref } of known) {
      const index = threads.indexOf(ref.id);
      const thread = { thread: ref, cpu: undefined };
      const made = rowsOf(calls, index);
      if (made.to > made.from) {
        const depth = deepest(store, made) + 1;
        list.push({ id: `cuda:${ref.id}`, kind: 'cuda', ...thread, ...extent(calls, made), depth });
      }
      const waits = rowsOf(offCpu, index);
      if (waits.to > waits.from) {
        list.push({
          id: `off_cpu:${ref.id}`,
          kind: 'off_cpu',
          ...thread,
          ...extent(offCpu, waits, switchesSampled(store)),
          depth: 1,
        });
      }
    }
    const cpus = [...slices.byCpu].sort(([a], [b]) => a - b);
    for (const [cpu, rows] of cpus) {
      list.push({ id: `cpu:${cpu}`, kind: 'cpu', thread: undefined, cpu, ...extent(slices, rows), depth: 1 });
    }
    return list;
  });
}

/** How many rows, and from the first one's start to the last one's end: no time where only a choice of them is there. */
function extent(
  { startNs, endNs }: { readonly startNs: Float64Array; readonly endNs: Float64Array },
  { from, to }: Rows,
  sampled = false,
): { readonly events: number; readonly observed: Span } {
  const start = startNs[from] as number;
  const observed = { startNs: ns(start), endNs: ns(sampled ? start : (endNs[to - 1] as number)) };
  return { events: to - from, observed };
}

/** Switches were left out from the first to the last moment, and no slice says who ran. */
function switchesSampled(store: Store): boolean {
  return (
    store.columns.slices.rows === 0 &&
    believed(store).coverage.some(
      ({ what, kept, startNs, durationNs }) =>
        kept < 1 && /^(off_cpu|switches)/.test(what) && startNs <= 0 && durationNs >= store.durationNs,
    )
  );
}

export function track(store: Store, id: TrackId): BuiltTrack {
  return store.keep(`track ${id}`, () => {
    const { calls, offCpu, slices, threads } = store.columns;
    const [, kind, number] = /^(cuda|off_cpu|cpu):(\d+)$/.exec(id) ?? [];
    const key = Number(number);
    const flat = (columns: typeof offCpu | typeof slices, rows: Rows, painter: Painter): BuiltTrack => ({
      id,
      levels: [{ depth: 0, mipmap: new Mipmap(columns.startNs, columns.endNs, ascending(rows)) }],
      startNs: columns.startNs,
      endNs: columns.endNs,
      painter,
    });
    const made = rowsOf(calls, threads.indexOf(key));
    if (kind === 'cuda' && made.to > made.from) {
      const { startNs, endNs } = calls;
      const levels = rowsByDepth(store, made).map((rows, depth) => ({
        depth,
        mipmap: new Mipmap(startNs, endNs, rows),
      }));
      return { id, levels, startNs, endNs, painter: callPainter(store) };
    }
    const waits = rowsOf(offCpu, threads.indexOf(key));
    if (kind === 'off_cpu' && waits.to > waits.from) return flat(offCpu, waits, waitPainter(store));
    const ran = slices.byCpu.get(key);
    if (kind === 'cpu' && ran !== undefined) return flat(slices, ran, sliceOwner(store));
    throw new TraceError('not_in_trace', `This trace has no track "${id}".`, 'Ask `tracks` which there are.');
  });
}

function ascending({ from, to }: Rows): Int32Array {
  const rows = new Int32Array(to - from);
  for (let i = 0; i < rows.length; i++) rows[i] = from + i;
  return rows;
}

/** How many calls are around each call, 255 at most. */
function depths(store: Store): Uint8Array {
  return store.keep('depths', () => {
    const { parent } = store.columns.calls;
    const depth = new Uint8Array(parent.length);
    for (let row = 0; row < depth.length; row++) {
      const around = parent[row] as number;
      if (around >= 0) depth[row] = Math.min(255, (depth[around] as number) + 1);
    }
    return depth;
  });
}

function deepest(store: Store, { from, to }: Rows): number {
  const depth = depths(store);
  let most = 0;
  for (let row = from; row < to; row++) most = Math.max(most, depth[row] as number);
  return most;
}

/** Rows of each depth, in order; no depth is skipped, for whatever lies deeper lies inside something. */
function rowsByDepth(store: Store, { from, to }: Rows): Int32Array[] {
  const depth = depths(store);
  const counts = new Uint32Array(deepest(store, { from, to }) + 1);
  for (let row = from; row < to; row++)
    counts[depth[row] as number] = (counts[depth[row] as number] as number) + 1;
  const lists = Array.from(counts, count => new Int32Array(count));
  const next = new Uint32Array(lists.length);
  for (let row = from; row < to; row++) {
    const level = depth[row] as number;
    const place = next[level] as number;
    (lists[level] as Int32Array)[place] = row;
    next[level] = place + 1;
  }
  return lists;
}
