// The event before or after one on its row, exactly, however small: asked in a stretch beside it that grows until
// something is found, at full resolution.

import type { TrackId } from '../../extension/trace/api.ts';
import { ns, type Span } from '../../extension/trace/time.ts';
import type { Client } from '../base/client.ts';
import { type Slice, sliceAt } from './hit.ts';

const FIRST_STRETCH_NS = 100_000;
const GROWTH = 8;

export async function neighbour(
  client: Client,
  track: TrackId,
  from: Span,
  direction: 'previous' | 'next',
  endNs: number,
): Promise<Slice | undefined> {
  for (let stretch = FIRST_STRETCH_NS; ; stretch *= GROWTH) {
    const window: Span =
      direction === 'next'
        ? { startNs: from.startNs, endNs: ns(Math.min(endNs, from.startNs + stretch)) }
        : { startNs: ns(Math.max(0, from.startNs - stretch)), endNs: ns(from.startNs + 1) };
    const answer = await client.call('slices', { tracks: [track], window, resolutionNs: 1 });
    const [columns] = answer.tracks;
    if (columns !== undefined) {
      const starts = [...columns.startNs];
      const index =
        direction === 'next'
          ? starts.findIndex(start => start > from.startNs)
          : starts.findLastIndex(start => start < from.startNs);
      if (index >= 0) return sliceAt(columns, index, answer.palette, answer.labels);
    }
    if (direction === 'next' ? window.endNs >= endNs : window.startNs <= 0) return undefined;
  }
}
