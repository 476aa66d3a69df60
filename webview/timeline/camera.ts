// What stretch of time the timeline shows, and how it moves. Pure: a span in, a span out, always whole nanoseconds
// inside the capture.

import { type Ns, ns, type Span } from '../../extension/trace/time.ts';
import type { KeyCommand } from '../shell/keys.ts';

/** Closer than this there is nothing to see: the clocks of two events are not better. */
export const SHORTEST_NS = 100;

export const lengthOf = (span: Span): number => span.endNs - span.startNs;

export const nsPerPixel = (span: Span, width: number): number => lengthOf(span) / Math.max(1, width);

/** The span of that length, moved into the capture and cut to it. */
function inside(startNs: number, length: number, durationNs: Ns): Span {
  const long = Math.min(Math.max(Math.round(length), SHORTEST_NS), Math.max(durationNs, SHORTEST_NS));
  const start = Math.min(Math.max(Math.round(startNs), 0), Math.max(0, durationNs - long));
  return { startNs: ns(start), endNs: ns(start + long) };
}

export const pan = (view: Span, byNs: number, durationNs: Ns): Span =>
  inside(view.startNs + byNs, lengthOf(view), durationNs);

/** `factor` > 1 zooms in; the point `atNs` stays under the pointer. */
export function zoom(view: Span, factor: number, atNs: number, durationNs: Ns): Span {
  const length = Math.max(lengthOf(view) / factor, SHORTEST_NS);
  const share = (atNs - view.startNs) / Math.max(1, lengthOf(view));
  return inside(atNs - share * length, length, durationNs);
}

/** The span with a tenth of air at either side: what stands at the edge is hard to read. */
export function fit(span: Span, durationNs: Ns): Span {
  const length = Math.max(lengthOf(span) * 1.2, SHORTEST_NS);
  return inside((span.startNs + span.endNs) / 2 - length / 2, length, durationNs);
}

export const whole = (durationNs: Ns): Span => inside(0, durationNs, durationNs);

export const overlaps = (a: Span, b: Span): boolean => a.startNs < b.endNs && b.startNs < a.endNs;

const PAN_SHARE = 0.15;
const ZOOM_STEP = 1.5;

/** What a key makes of the visible stretch; undefined for keys that do not move it. */
export function moved(
  command: KeyCommand,
  view: Span,
  selected: Span | undefined,
  durationNs: Ns,
): Span | undefined {
  const middle = (view.startNs + view.endNs) / 2;
  switch (command) {
    case 'panLeft':
      return pan(view, -lengthOf(view) * PAN_SHARE, durationNs);
    case 'panRight':
      return pan(view, lengthOf(view) * PAN_SHARE, durationNs);
    case 'zoomIn':
      return zoom(view, ZOOM_STEP, middle, durationNs);
    case 'zoomOut':
      return zoom(view, 1 / ZOOM_STEP, middle, durationNs);
    case 'fitSelection':
      return selected === undefined ? view : fit(selected, durationNs);
    case 'fitAll':
      return whole(durationNs);
    default:
      return undefined;
  }
}
