// Which rectangle a pointer is on. Rectangles of one level do not overlap, but one that was widened to a pixel is hit
// by its pixel, not by its length.

import type { SliceColumns, TrackId } from '../../extension/trace/api.ts';
import { type Ns, ns, type Span } from '../../extension/trace/time.ts';

/** One rectangle, read out of its columns. */
export interface Slice {
  readonly track: TrackId;
  readonly index: number;
  readonly span: Span;
  readonly runnableNs: Ns;
  readonly label: string;
  readonly colour: string;
  readonly id: number;
  readonly count: number;
  readonly depth: number;
}

export function sliceAt(
  columns: SliceColumns,
  index: number,
  palette: readonly string[],
  labels: readonly string[],
): Slice {
  return {
    track: columns.track,
    index,
    span: { startNs: ns(columns.startNs[index] ?? 0), endNs: ns(columns.endNs[index] ?? 0) },
    runnableNs: ns(columns.runnableNs[index] ?? 0),
    label: labels[columns.label[index] ?? -1] ?? '',
    colour: palette[columns.colour[index] ?? -1] ?? '',
    id: columns.id[index] ?? 0,
    count: columns.count[index] ?? 1,
    depth: columns.depth[index] ?? 0,
  };
}

/** Index of the rectangle at that time and level, or the nearest within `slackNs`. */
export function hit(columns: SliceColumns, atNs: number, depth: number, slackNs: number): number | undefined {
  let best: number | undefined;
  let distance = slackNs;
  const { startNs, endNs } = columns;
  for (let index = 0; index < startNs.length; index += 1) {
    if (columns.depth[index] !== depth) continue;
    const start = startNs[index] ?? 0;
    const end = endNs[index] ?? 0;
    if (atNs >= start && atNs < end) return index;
    if (start - atNs > slackNs) break;
    const away = atNs < start ? start - atNs : atNs - end;
    if (away < distance) {
      best = index;
      distance = away;
    }
  }
  return best;
}
