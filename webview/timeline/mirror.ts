// The picture as a table, for people who hear the page: the longest events in sight, row by row. Eyes do not see it.

import type { Span } from '../../extension/trace/time.ts';
import { el, replace } from '../base/dom.ts';
import { formatCount, formatDuration, formatOffset } from '../base/format.ts';
import type { SliceBuffer } from './buffer.ts';
import { overlaps } from './camera.ts';
import { type Slice, sliceAt } from './hit.ts';
import type { Row, TrackRow } from './rows.ts';
import { spanInWords } from './ticks.ts';

/** A row. More would not be listened to; zooming in lists them. */
const MOST_EVENTS = 8;

interface MirrorRow {
  readonly name: string;
  readonly events: readonly Slice[];
  /** Events in sight, also those too small to be drawn one by one. */
  readonly total: number;
}

export function mirrorRows(rows: readonly Row[], buffer: SliceBuffer, visible: Span): readonly MirrorRow[] {
  let thread = '';
  return rows
    .filter((row): row is TrackRow => row.kind === 'track')
    .map(row => {
      if (row.label !== '') thread = row.label;
      const columns = buffer.columns(row.track.id);
      const events =
        columns === undefined
          ? []
          : Array.from(columns.startNs, (_, index) =>
              sliceAt(columns, index, buffer.palette, buffer.labels),
            ).filter(slice => overlaps(slice.span, visible));
      return {
        name: `${thread} ${row.note}`.trim(),
        total: events.reduce((sum, slice) => sum + slice.count, 0),
        events: events
          .sort((a, b) => b.span.endNs - b.span.startNs - (a.span.endNs - a.span.startNs))
          .slice(0, MOST_EVENTS),
      };
    });
}

export function fillMirror(table: HTMLTableElement, rows: readonly MirrorRow[], visible: Span): void {
  replace(
    table,
    el('caption', {}, `Timeline, ${spanInWords(visible)}: the longest events of each row`),
    el(
      'tbody',
      {},
      ...rows.map(row =>
        el(
          'tr',
          { data: { total: row.total } },
          el('th', {}, `${row.name}, ${formatCount(row.total)} events`),
          el(
            'td',
            {},
            row.events
              .map(
                ({ label, colour, span }) =>
                  `${label === '' ? colour : label} ${formatDuration(span.endNs - span.startNs)} at ${formatOffset(span.startNs)}`,
              )
              .join('; '),
          ),
        ),
      ),
    ),
  );
}
