// What is drawn over the rows: the selected range, the selected event's frame, and the arrow from the thread that
// ended a wait to the thread it woke.

import { linkVertical } from 'd3-shape';
import type { SliceColumns } from '../../extension/trace/api.ts';
import type { Span } from '../../extension/trace/time.ts';
import type { Theme } from '../base/theme.ts';
import { CALL_HEIGHT, type TrackRow } from './rows.ts';

export interface Frame {
  readonly context: CanvasRenderingContext2D;
  readonly theme: Theme;
  readonly width: number;
  readonly height: number;
  x(atNs: number): number;
}

/** Under the rows: their colours stay what they mean. */
export function drawBand({ context, theme, width, height, x }: Frame, span: Span): void {
  const from = Math.max(0, x(span.startNs));
  const to = Math.min(width, x(span.endNs));
  if (to < 0 || from > width) return;
  context.fillStyle = theme.band;
  context.fillRect(from, 0, Math.max(1, to - from), height);
}

export function drawEdges({ context, theme, width, height, x }: Frame, span: Span): void {
  const left = x(span.startNs);
  const right = x(span.endNs);
  if (right < 0 || left > width) return;
  context.fillStyle = theme.accent;
  for (const edge of [left, right])
    if (edge >= 0 && edge <= width) context.fillRect(Math.round(edge), 0, 1, height);
}

export function drawFrame(
  { context, theme, width, x }: Frame,
  row: TrackRow,
  top: number,
  columns: SliceColumns,
  index: number,
): void {
  const left = Math.max(-4, x(columns.startNs[index] ?? 0));
  const right = Math.min(width + 4, x(columns.endNs[index] ?? 0));
  if (right < 0 || left > width) return;
  const calls = row.track.kind === 'cuda';
  const y = top + (calls ? (columns.depth[index] ?? 0) * (CALL_HEIGHT + 1) : 0);
  context.strokeStyle = theme.foreground;
  context.lineWidth = 2;
  context.strokeRect(left, y - 1, Math.max(2, right - left), (calls ? CALL_HEIGHT : row.height) + 2);
}

/** From the waker's row to the woken one's, at the moment of the wake-up. Rows by their middle. */
export function drawWake(
  { context, theme, width, x }: Frame,
  atNs: number,
  fromY: number,
  toY: number,
): void {
  const at = x(atNs);
  if (at < 0 || at > width) return;
  const lean = 14;
  const curve = linkVertical<unknown, [number, number]>().context(context);
  context.strokeStyle = theme.foreground;
  context.fillStyle = theme.foreground;
  context.lineWidth = 1.5;
  context.beginPath();
  curve({ source: [at - lean, fromY], target: [at, toY] });
  context.stroke();
  const tip = toY > fromY ? -1 : 1;
  context.beginPath();
  context.moveTo(at, toY);
  context.lineTo(at - 4, toY + tip * 7);
  context.lineTo(at + 4, toY + tip * 7);
  context.fill();
}
