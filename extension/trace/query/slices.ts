// What the timeline draws: rectangles of the asked tracks in a window, thinned to the resolution.

import type { ShortTimes, SliceColumns, SlicesQuery, SlicesResult, TrackId } from '../api.ts';
import { TraceError } from '../error.ts';
import { bucketOf, type Thinned } from './mipmap.ts';
import { rowsOf } from './overlap.ts';
import { waitColours, wordsOf } from './painters.ts';
import { shortTimes } from './short.ts';
import type { Store } from './store.ts';
import { type BuiltTrack, track } from './tracks.ts';

export function slices(store: Store, query: SlicesQuery): SlicesResult {
  if (!(query.resolutionNs > 0))
    throw new TraceError('bad_query', 'The resolution must be over 0 ns a pixel.');
  const { startNs } = query.window;
  const endNs = query.window.endNs >= store.durationNs ? Number.POSITIVE_INFINITY : query.window.endNs;
  const made = query.tracks.map(id => {
    const built = track(store, id);
    const parts = built.levels.map(({ depth, mipmap }) => ({
      depth,
      thinned: mipmap.query(startNs, endNs, query.resolutionNs),
    }));
    return {
      ...columnsOf(built, parts, startNs),
      short: shortOf(store, id, startNs, endNs, query.resolutionNs),
    };
  });
  const { palette, labels } = wordsOf(store);
  return { tracks: made, palette: palette.list, labels: labels.list };
}

function shortOf(
  store: Store,
  id: TrackId,
  fromNs: number,
  toNs: number,
  resolutionNs: number,
): ShortTimes | undefined {
  const bucketNs = bucketOf(resolutionNs);
  if (bucketNs === 0 || !id.startsWith('off_cpu:')) return undefined;
  const { offCpu, threads } = store.columns;
  const rows = rowsOf(offCpu, threads.indexOf(Number(id.slice('off_cpu:'.length))));
  return shortTimes(offCpu, rows, waitColours(store), { fromNs, toNs, bucketNs });
}

interface Part {
  readonly depth: number;
  readonly thinned: Thinned;
}

/** The levels' rows as one list, by start and then from the outermost in. */
function columnsOf(track: BuiltTrack, parts: readonly Part[], fromNs: number): Omit<SliceColumns, 'short'> {
  const { startNs, endNs, painter } = track;
  const picked = parts.flatMap(({ depth, thinned: { rows, counts } }) =>
    Array.from(rows, (row, i) => ({ row, depth, count: counts[i] ?? 1 })).filter(
      ({ row }) => (endNs[row] as number) > fromNs || (startNs[row] as number) >= fromNs,
    ),
  );
  if (parts.length > 1) {
    picked.sort((a, b) => (startNs[a.row] as number) - (startNs[b.row] as number) || a.depth - b.depth);
  }
  const made = {
    track: track.id,
    startNs: new Float64Array(picked.length),
    endNs: new Float64Array(picked.length),
    depth: new Uint8Array(picked.length),
    colour: new Uint16Array(picked.length),
    label: new Uint32Array(picked.length),
    runnableNs: new Float64Array(picked.length),
    id: new Float64Array(picked.length),
    count: new Uint32Array(picked.length),
  };
  for (const [i, { row, depth, count }] of picked.entries()) {
    const { colour, label } = painter.paint(row);
    made.startNs[i] = startNs[row] as number;
    made.endNs[i] = endNs[row] as number;
    made.depth[i] = depth;
    made.colour[i] = colour;
    made.label[i] = label;
    made.runnableNs[i] = painter.runnableNs(row);
    made.id[i] = painter.id(row);
    made.count[i] = count;
  }
  return made;
}
