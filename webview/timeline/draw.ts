// The rows as pictures: rectangles from columns, on a 2D canvas, under the transform of the visible stretch. A call or a
// slice narrower than a pixel is widened to one; states are painted by their exact time (states.ts); what lies outside
// is skipped.

import type { SliceColumns, TraceSummary } from '../../extension/trace/api.ts';
import type { Span } from '../../extension/trace/time.ts';
import { type Meaning, meaningOfCategory, meaningOfReason } from '../base/colours.ts';
import { formatDuration, plain } from '../base/format.ts';
import type { Theme } from '../base/theme.ts';
import type { Brush } from './brush.ts';
import type { SliceBuffer } from './buffer.ts';
import { lengthOf } from './camera.ts';
import { missingParts } from './missing.ts';
import { CALL_HEIGHT, type Row, type TrackRow } from './rows.ts';
import { stateBoxes, stateTimes } from './states.ts';

/** A label needs this much room to be worth its ink. */
const LABEL_FROM_PX = 34;
const PADDING_PX = 4;
const PLATE_GAP_PX = 4;
/** What a search does not find steps back. */
const FAINT = 0.22;

interface Scene {
  readonly theme: Theme;
  readonly rows: readonly Row[];
  readonly buffer: SliceBuffer;
  readonly visible: Span;
  readonly scrollTop: number;
  readonly width: number;
  readonly height: number;
  readonly ticks: readonly number[];
  readonly search: string;
  readonly thread: number | undefined;
  readonly isTarget: (thread: number) => boolean;
  readonly belief: TraceSummary['belief'];
  readonly captureNs: number;
}

export class RowPainter {
  readonly #brush: Brush;
  readonly #scene: Scene;
  readonly #perPixel: number;

  constructor(brush: Brush, scene: Scene) {
    this.#brush = brush;
    this.#scene = scene;
    this.#perPixel = lengthOf(scene.visible) / Math.max(1, scene.width);
  }

  x(atNs: number): number {
    return (atNs - this.#scene.visible.startNs) / this.#perPixel;
  }

  /** What lies under the rows: the axis' lines, the groups' heads. */
  ground(): void {
    const { rows, scrollTop, height, width, theme, ticks } = this.#scene;
    const { context } = this.#brush;
    context.fillStyle = theme.line;
    // High contrast draws its lines loud: these are only a help.
    context.globalAlpha = theme.highContrast ? 0.35 : 1;
    for (const tick of ticks) context.fillRect(Math.round(this.x(tick)), 0, 1, height);
    context.globalAlpha = 1;
    context.fillStyle = theme.panel;
    for (const row of rows)
      if (row.kind === 'header') context.fillRect(0, row.y - scrollTop, width, row.height);
  }

  rows(): void {
    const { rows, scrollTop, height } = this.#scene;
    for (const row of rows) {
      const y = row.y - scrollTop;
      if (row.kind === 'track' && y + row.height >= 0 && y <= height) this.#track(row, y);
    }
    this.#losses();
  }

  #track(row: TrackRow, y: number): void {
    const columns = this.#scene.buffer.columns(row.track.id);
    if (columns === undefined) return;
    if (row.track.kind === 'cuda') this.#calls(columns, y);
    else if (row.track.kind === 'off_cpu') this.#states(columns, row.track.observed, y, row.height);
    else this.#slices(columns, y, row.height);
  }

  /** Left edge and width on the screen; undefined when out of sight. */
  #extent(startNs: number, endNs: number): readonly [number, number] | undefined {
    const left = this.x(startNs);
    const right = this.x(endNs);
    if (right < 0 || left > this.#scene.width) return undefined;
    const from = Math.max(-2, left);
    return [from, Math.max(1, Math.min(right, this.#scene.width + 2) - from)];
  }

  #calls(columns: SliceColumns, top: number): void {
    const { buffer } = this.#scene;
    const meanings = buffer.palette.map(meaningOfCategory);
    for (let i = 0; i < columns.startNs.length; i += 1) {
      const start = columns.startNs[i] ?? 0;
      const end = columns.endNs[i] ?? 0;
      const extent = this.#extent(start, end);
      if (extent === undefined) continue;
      const depth = columns.depth[i] ?? 0;
      const y = top + depth * (CALL_HEIGHT + 1);
      const meaning = meanings[columns.colour[i] ?? 0] ?? 'call';
      const label = buffer.labels[columns.label[i] ?? 0] ?? '';
      // A call inside a call: the same colour, further back.
      this.#box(extent, y, CALL_HEIGHT, meaning, label, depth > 0 ? 0.72 : 1);
      this.#label(extent, y, CALL_HEIGHT, meaning, `${label} ${formatDuration(end - start)}`, label);
    }
  }

  #states(columns: SliceColumns, observed: Span, rowY: number, height: number): void {
    const { buffer, visible, width, search, theme } = this.#scene;
    const { context, ratio } = this.#brush;
    const meanings = buffer.palette.map(meaningOfReason);
    // On the screen's own pixels, or their edges would blend into colours that mean nothing.
    const pixels = Math.max(1, Math.round(width * ratio));
    const y = Math.round(rowY * ratio) / ratio;
    const tall = Math.round(height * ratio);
    const boxes = stateBoxes(stateTimes(columns, meanings, observed, visible, pixels), pixels, tall);
    context.globalAlpha = search === '' ? 1 : FAINT;
    for (const { meaning, x, width: wide, top, height: high } of boxes) {
      const box = [x / ratio, y + top / ratio, wide / ratio, high / ratio] as const;
      context.fillStyle = theme.fill[meaning];
      context.fillRect(...box);
      if (meaning === 'runnable' && box[2] >= 3) {
        context.fillStyle = this.#brush.hatch;
        context.fillRect(...box);
      }
    }
    context.globalAlpha = 1;
    for (let i = 0; i < columns.startNs.length; i += 1) {
      const start = columns.startNs[i] ?? 0;
      const end = columns.endNs[i] ?? 0;
      const woken = end - (columns.runnableNs[i] ?? 0);
      const meaning = meanings[columns.colour[i] ?? 0] ?? 'other';
      const label = buffer.labels[columns.label[i] ?? 0] ?? '';
      const found = search !== '' && label.toLowerCase().includes(search);
      const blocked = woken > start ? this.#extent(start, woken) : undefined;
      if (blocked !== undefined) {
        if (found) this.#box(blocked, y, height, meaning, label, 1);
        else this.#outline(blocked, y, height);
        this.#label(blocked, y, height, meaning, `${label} ${formatDuration(woken - start)}`, label);
      }
      const runnable = end > woken ? this.#extent(woken, end) : undefined;
      if (runnable !== undefined) {
        if (found) this.#box(runnable, y, height, 'runnable', label, 1);
        else this.#outline(runnable, y, height);
        this.#label(runnable, y, height, 'runnable', `waiting for a CPU ${formatDuration(end - woken)}`, '');
      }
    }
  }

  #slices(columns: SliceColumns, y: number, height: number): void {
    const { buffer, isTarget, thread } = this.#scene;
    for (let i = 0; i < columns.startNs.length; i += 1) {
      const extent = this.#extent(columns.startNs[i] ?? 0, columns.endNs[i] ?? 0);
      if (extent === undefined) continue;
      const meaning: Meaning = isTarget(columns.id[i] ?? -1) ? 'running' : 'thread';
      const label = buffer.labels[columns.label[i] ?? 0] ?? '';
      // A hair of air between slices, where there is room: who came after whom is the point of the row.
      const parted: readonly [number, number] = extent[1] > 3 ? [extent[0], extent[1] - 1] : extent;
      // Where the selected thread ran stands out from where others did.
      const strength = thread === undefined || columns.id[i] === thread ? 1 : 0.5;
      this.#box(parted, y, height, meaning, label, strength);
      this.#label(parted, y, height, meaning, label, '', strength);
    }
  }

  #box(
    [x, width]: readonly [number, number],
    y: number,
    height: number,
    meaning: Meaning,
    label: string,
    strength: number,
  ): void {
    const { theme, search } = this.#scene;
    const { context } = this.#brush;
    const found = search === '' || label.toLowerCase().includes(search);
    context.globalAlpha = found ? strength : FAINT;
    context.fillStyle = theme.fill[meaning];
    context.fillRect(x, y, width, height);
    if (meaning === 'runnable' && width >= 3) {
      context.fillStyle = this.#brush.hatch;
      context.fillRect(x, y, width, height);
    }
    context.globalAlpha = 1;
    if (search !== '' && found && width >= 3) {
      context.strokeStyle = theme.warning;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    } else {
      this.#outline([x, width], y, height);
    }
  }

  /** High contrast parts what touches by a line. */
  #outline([x, width]: readonly [number, number], y: number, height: number): void {
    const { theme } = this.#scene;
    const { context } = this.#brush;
    if (!theme.highContrast || width < 3) return;
    context.strokeStyle = theme.line;
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  }

  /** The long words where they fit, else the short ones, else none. */
  #label(
    [x, width]: readonly [number, number],
    y: number,
    height: number,
    meaning: Meaning,
    long: string,
    short: string,
    strength = 1,
  ): void {
    const room = width - 2 * PADDING_PX - Math.max(0, -x);
    if (room < LABEL_FROM_PX - 2 * PADDING_PX) return;
    const { theme } = this.#scene;
    const { context } = this.#brush;
    const small = height < 16;
    context.font = `${small ? 10.5 : 11.5}px ${theme.font}`;
    const text = [plain(long), plain(short)].find(
      words => words !== '' && this.#brush.widthOf(words, context.font) <= room,
    );
    if (text === undefined) return;
    const left = Math.max(x, 0) + PADDING_PX;
    if (meaning === 'runnable') {
      // Letters on stripes cannot be read: a plate of the plain colour behind them.
      context.fillStyle = theme.fill.runnable;
      context.fillRect(left - 2, y + 1, this.#brush.widthOf(text, context.font) + 4, height - 2);
    }
    // A faint box lets the page through: the page's own ink reads on it.
    context.fillStyle = strength < 0.6 ? theme.foreground : theme.ink[meaning];
    context.textBaseline = 'middle';
    context.fillText(text, left, y + height / 2 + 0.5);
  }

  /** Where events were lost or thinned the rows that would have had them say so, over whatever they show. */
  #losses(): void {
    const { belief, captureNs, rows, scrollTop, width } = this.#scene;
    const { context } = this.#brush;
    let taken = 0;
    for (const part of missingParts(belief, captureNs)) {
      const left = Math.max(0, this.x(part.startNs));
      const right = Math.min(width, this.x(part.endNs));
      if (right < 0 || left > width) continue;
      context.fillStyle = this.#brush.loss;
      for (const row of rows) {
        if (row.kind === 'track' && part.kinds.includes(row.track.kind)) {
          context.fillRect(left, row.y - scrollTop - 1, Math.max(2, right - left), row.height + 2);
        }
      }
      taken = this.#plate(Math.max(left, taken), part.words) + PLATE_GAP_PX;
    }
  }

  /** Words on a plate at the top, where the stretch begins or the plate before it ends. Returns its own end. */
  #plate(left: number, words: string): number {
    const { theme } = this.#scene;
    const { context } = this.#brush;
    context.font = `10.5px ${theme.font}`;
    const room = this.#brush.widthOf(words, context.font) + 8;
    context.fillStyle = theme.background;
    context.fillRect(left, 4, room, 16);
    context.fillStyle = theme.warning;
    context.textBaseline = 'middle';
    context.fillText(words, left + 4, 12.5);
    return left + room;
  }
}
