// One frame of the timeline: ground, selected range, rows, marks, axis and the strip of the whole capture, from the
// back to the front.

import type { RowRef, TraceSummary } from '../../extension/trace/api.ts';
import type { Span } from '../../extension/trace/time.ts';
import { formatClock } from '../base/format.ts';
import type { Theme } from '../base/theme.ts';
import type { Selection } from '../protocol.ts';
import { drawAxis, type OverviewStrip } from './axis.ts';
import { Brush } from './brush.ts';
import type { SliceBuffer } from './buffer.ts';
import { RowPainter } from './draw.ts';
import { drawBand, drawEdges, drawFrame, drawWake, type Frame } from './marks.ts';
import type { Row, TrackRow } from './rows.ts';
import { axisOf } from './ticks.ts';
import type { Wake } from './wake.ts';

const TICK_EVERY_PX = 100;

interface Shot {
  readonly theme: Theme;
  readonly rows: readonly Row[];
  readonly buffer: SliceBuffer;
  readonly visible: Span;
  readonly scrollTop: number;
  readonly width: number;
  readonly height: number;
  readonly search: string;
  readonly selection: Selection;
  readonly wake: Wake | undefined;
}

export class Picture {
  readonly #brush: Brush;
  readonly #axisBrush: Brush;
  readonly #base: HTMLElement;
  readonly #strip: OverviewStrip;
  readonly #summary: TraceSummary;
  readonly #targets: ReadonlySet<number>;

  constructor(
    rows: HTMLCanvasElement,
    axis: HTMLCanvasElement,
    base: HTMLElement,
    strip: OverviewStrip,
    summary: TraceSummary,
  ) {
    this.#brush = new Brush(rows);
    this.#axisBrush = new Brush(axis);
    this.#base = base;
    this.#strip = strip;
    this.#summary = summary;
    this.#targets = new Set(summary.threads.filter(thread => thread.isTarget).map(thread => thread.id));
  }

  draw(shot: Shot): void {
    const { theme, visible, width, height, scrollTop, selection } = shot;
    const axis = axisOf(visible, width, TICK_EVERY_PX);
    this.#base.textContent = formatClock(this.#summary.startUnixNs, axis.baseNs, axis.baseDigits);
    this.#strip.draw(this.#strip.canvas.clientWidth, visible, theme);
    drawAxis(this.#axisBrush, width, visible, axis, theme);

    this.#brush.canvas.style.height = `${height}px`;
    this.#brush.begin(width, height, theme);
    const painter = new RowPainter(this.#brush, {
      ...shot,
      thread: selection.thread,
      ticks: axis.ticks.map(tick => tick.atNs),
      isTarget: thread => this.#targets.has(thread),
      belief: this.#summary.belief,
      captureNs: this.#summary.durationNs,
    });
    const frame = { context: this.#brush.context, theme, width, height, x: (at: number) => painter.x(at) };
    painter.ground();
    if (selection.window !== undefined) drawBand(frame, selection.window);
    painter.rows();
    if (selection.window !== undefined) drawEdges(frame, selection.window);
    for (const row of shot.rows) {
      if (row.kind !== 'track') continue;
      const columns = shot.buffer.columns(row.track.id);
      const index = selectedIndex(row, shot.buffer, selection.row);
      if (columns !== undefined && index !== undefined)
        drawFrame(frame, row, row.y - scrollTop, columns, index);
    }
    this.#arrow(frame, shot);
  }

  #arrow(frame: Frame, { wake, rows, scrollTop }: Shot): void {
    if (wake === undefined) return;
    const rowOf = (thread: number): Row | undefined =>
      rows.find(
        row => row.kind === 'track' && row.track.kind === 'off_cpu' && row.track.thread?.id === thread,
      );
    const from = rowOf(wake.waker);
    const to = rowOf(wake.woken);
    if (from === undefined || to === undefined || from === to) return;
    const below = to.y > from.y;
    const fromY = below ? from.y + from.height : from.y;
    const toY = below ? to.y : to.y + to.height;
    drawWake(frame, wake.atNs, fromY - scrollTop, toY - scrollTop);
  }
}

/** Where the selected row of the database stands among the rectangles of a row of the picture. */
function selectedIndex(row: TrackRow, buffer: SliceBuffer, selected: RowRef | undefined): number | undefined {
  const columns = buffer.columns(row.track.id);
  if (columns === undefined || selected === undefined) return undefined;
  const { kind, cpu } = row.track;
  const index =
    selected.table === 'cpu_slice'
      ? kind === 'cpu' && cpu === selected.cpu
        ? columns.startNs.indexOf(selected.startNs)
        : -1
      : (selected.table === 'cuda_call' && kind === 'cuda') ||
          (selected.table === 'off_cpu' && kind === 'off_cpu')
        ? columns.id.indexOf(selected.id)
        : -1;
  return index < 0 ? undefined : index;
}
