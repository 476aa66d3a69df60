// Above the rows: the whole capture in one line with the visible stretch framed, and the time axis of that stretch.

import type { CausesResult, SlicesResult } from '../../extension/trace/api.ts';
import { type Ns, ns, type Span } from '../../extension/trace/time.ts';
import type { Theme } from '../base/theme.ts';
import { Brush } from './brush.ts';
import { lengthOf } from './camera.ts';
import type { Axis } from './ticks.ts';

const OVERVIEW_HEIGHT = 40;
/** Where the causes' worst examples lie. */
const MARK_HEIGHT = 5;
export const AXIS_HEIGHT = 26;

/** Calls that start in each of `width` equal parts of the capture. */
export function density(answer: SlicesResult, durationNs: number, width: number): Float64Array {
  const counts = new Float64Array(Math.max(1, Math.floor(width)));
  for (const { startNs, count, depth } of answer.tracks) {
    for (let i = 0; i < startNs.length; i += 1) {
      if ((depth[i] ?? 0) > 0) continue;
      const at = Math.min(
        counts.length - 1,
        Math.floor(((startNs[i] ?? 0) / Math.max(1, durationNs)) * counts.length),
      );
      counts[at] = (counts[at] ?? 0) + (count[i] ?? 0);
    }
  }
  return counts;
}

export class OverviewStrip {
  readonly canvas: HTMLCanvasElement;
  readonly #brush: Brush;
  readonly #durationNs: Ns;
  answer: SlicesResult | undefined;
  causes: CausesResult | undefined;

  constructor(canvas: HTMLCanvasElement, durationNs: Ns) {
    this.canvas = canvas;
    this.#brush = new Brush(canvas);
    this.#durationNs = durationNs;
  }

  draw(width: number, visible: Span, theme: Theme): void {
    this.#brush.begin(width, OVERVIEW_HEIGHT, theme);
    const { context } = this.#brush;
    const bar = 3;
    if (this.answer !== undefined) {
      const counts = density(this.answer, this.#durationNs, width / (bar + 1));
      const most = Math.max(1, ...counts);
      context.fillStyle = theme.fill.launch;
      counts.forEach((count, index) => {
        if (count === 0) return;
        const height = Math.max(2, (Math.log1p(count) / Math.log1p(most)) * (OVERVIEW_HEIGHT - 18));
        context.fillRect(index * (bar + 1), OVERVIEW_HEIGHT - 4 - height, bar, height);
      });
    }
    context.fillStyle = theme.fill.lock;
    for (const cause of this.causes?.causes ?? []) {
      if (cause.kind !== 'cause' && cause.kind !== 'lead') continue;
      for (const { startNs, durationNs } of cause.examples) {
        const x = this.#x(startNs, width);
        context.fillRect(x, 4, Math.max(3, this.#x(startNs + durationNs, width) - x), MARK_HEIGHT);
      }
    }
    const left = this.#x(visible.startNs, width);
    const right = Math.max(left + 4, this.#x(visible.endNs, width));
    context.fillStyle = theme.band;
    context.fillRect(left, 1, right - left, OVERVIEW_HEIGHT - 2);
    context.strokeStyle = theme.accent;
    context.lineWidth = 1.5;
    context.strokeRect(left + 0.75, 1.75, Math.max(2, right - left - 1.5), OVERVIEW_HEIGHT - 3.5);
  }

  /** A press anywhere: the visible stretch, moved so that its middle is there. */
  centred(x: number, width: number, visible: Span): Span {
    const middle = (x / Math.max(1, width)) * this.#durationNs;
    const half = lengthOf(visible) / 2;
    return { startNs: ns(Math.round(middle - half)), endNs: ns(Math.round(middle + half)) };
  }

  #x(atNs: number, width: number): number {
    return (atNs / Math.max(1, this.#durationNs)) * width;
  }
}

export function drawAxis(brush: Brush, width: number, visible: Span, axis: Axis, theme: Theme): void {
  brush.begin(width, AXIS_HEIGHT, theme);
  const { context } = brush;
  context.font = `11px ${theme.font}`;
  context.textBaseline = 'middle';
  for (const { atNs, label } of axis.ticks) {
    const x = Math.round(((atNs - visible.startNs) / lengthOf(visible)) * width);
    context.fillStyle = theme.line;
    context.fillRect(x, 0, 1, AXIS_HEIGHT);
    if (x + brush.widthOf(label, context.font) + 6 > width) continue;
    context.fillStyle = theme.muted;
    context.fillText(label, x + 4, AXIS_HEIGHT / 2 + 1);
  }
}
