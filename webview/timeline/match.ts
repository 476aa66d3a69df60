// The next event whose function, reason or thread matches a text: after the selected one, over all rows, around the
// end to the start again.

import type { Track } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import type { App } from '../shell/app.ts';
import { type Slice, sliceAt } from './hit.ts';

const FIRST_STRETCH_NS = 1_000_000;
const GROWTH = 8;

export async function nextMatch(app: App, text: string): Promise<Slice | undefined> {
  const { data, client, store } = app;
  const { durationNs } = data.summary;
  const tracks = await data.tracks();
  const from = store.state.selection.window?.startNs ?? -1;
  const named = new Set(tracks.filter(track => nameMatches(track, text)).map(track => track.id));
  const searched = tracks.filter(track => track.kind !== 'cpu').map(track => track.id);
  for (const [begin, end] of [
    [from, durationNs],
    [-1, from + 1],
  ] as const) {
    for (let stretch = FIRST_STRETCH_NS; begin < end; stretch *= GROWTH) {
      const window = {
        startNs: ns(Math.max(0, begin)),
        endNs: ns(Math.min(end, Math.max(0, begin) + stretch)),
      };
      const answer = await client.call('slices', { tracks: searched, window, resolutionNs: 1 });
      const matches = answer.tracks.flatMap(columns =>
        Array.from(columns.startNs, (_, index) =>
          sliceAt(columns, index, answer.palette, answer.labels),
        ).filter(
          slice =>
            slice.span.startNs > begin &&
            (named.has(slice.track) || slice.label.toLowerCase().includes(text)),
        ),
      );
      const [first] = matches.sort((a, b) => a.span.startNs - b.span.startNs);
      if (first !== undefined) return first;
      if (window.endNs >= end) break;
    }
  }
  return undefined;
}

const nameMatches = (track: Track, text: string): boolean =>
  track.thread?.name.toLowerCase().includes(text) ?? false;
