// What the timeline draws: rectangles of the asked tracks in a window, thinned to the resolution.

import type { SliceColumns, SlicesQuery, SlicesResult } from '../api.ts';
import { TraceError } from '../error.ts';
import type { Span } from '../time.ts';
import { bucketOf, type Thinned } from './mipmap.ts';
import { shortTimes } from './short.ts';
import type { Store } from './store.ts';
import { type Level, track, wordsOf } from './tracks.ts';

export function slices(store: Store, query: SlicesQuery): SlicesResult {
  if (!(query.resolutionNs > 0))
    throw new TraceError('bad_query', 'The resolution must be over 0 ns a pixel.');
  const made = query.tracks.map(id => {
    const { levels } = track(store, id);
    const { startNs } = query.window;
    const endNs = query.window.endNs >= store.durationNs ? Number.POSITIVE_INFINITY : query.window.endNs;
    const parts = levels.map(level => ({
      level,
      thinned: level.mipmap.query(startNs, endNs, query.resolutionNs),
    }));
    const state = levels.find(({ runnableNs }) => runnableNs !== undefined);
    const bucketNs = bucketOf(query.resolutionNs);
    return {
      ...columnsOf(id, parts, query.window),
      short: state === undefined || bucketNs === 0 ? undefined : shortTimes(state, startNs, endNs, bucketNs),
    };
  });
  const { palette, labels } = wordsOf(store);
  return { tracks: made, palette: palette.list, labels: labels.list };
}

function columnsOf(
  id: SliceColumns['track'],
  parts: readonly { level: Level; thinned: Thinned }[],
  window: Span,
): Omit<SliceColumns, 'short'> {
  const picked = parts.flatMap(({ level, thinned }) =>
    Array.from(thinned.rows, (row, i) => ({ level, row, count: thinned.counts[i] ?? 1 })).filter(
      ({ row }) => (level.endNs[row] ?? 0) > window.startNs || (level.startNs[row] ?? 0) >= window.startNs,
    ),
  );
  picked.sort(
    (a, b) => (a.level.startNs[a.row] ?? 0) - (b.level.startNs[b.row] ?? 0) || a.level.depth - b.level.depth,
  );
  return {
    track: id,
    startNs: Float64Array.from(picked, ({ level, row }) => level.startNs[row] ?? 0),
    endNs: Float64Array.from(picked, ({ level, row }) => level.endNs[row] ?? 0),
    depth: Uint8Array.from(picked, ({ level }) => level.depth),
    colour: Uint16Array.from(picked, ({ level, row }) => level.colour[row] ?? 0),
    label: Uint32Array.from(picked, ({ level, row }) => level.label[row] ?? 0),
    runnableNs: Float64Array.from(picked, ({ level, row }) => level.runnableNs?.[row] ?? 0),
    id: Float64Array.from(picked, ({ level, row }) => level.id[row] ?? 0),
    count: Uint32Array.from(picked, ({ count }) => count),
  };
}
