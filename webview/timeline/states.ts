// A thread's states as columns of pixels, each filled by exactly the time that each state took in it, stacked: running
// at the bottom, what it waited for above. Zoomed out, an event widened to a pixel would drown the running around it;
// here the areas are the shares that the file has. A share of a fraction of a pixel is carried to the next column that
// has the state, so that nothing is rounded away over the length of a row. Pure.

import type { SliceColumns } from '../../extension/trace/api.ts';
import type { Span } from '../../extension/trace/time.ts';
import { MEANINGS, type Meaning } from '../base/colours.ts';

/** Time of each state in each column of pixels, in nanoseconds. */
export type StateTimes = ReadonlyMap<Meaning, Float64Array>;

/** In pixels; `top` from the row's top edge. */
export interface StateBox {
  readonly meaning: Meaning;
  readonly x: number;
  readonly width: number;
  readonly top: number;
  readonly height: number;
}

/**
 * @param meanings what each reason of the answer's palette means
 * @param observed where the thread is known to have run unless an event says otherwise
 * @param pixels columns that `visible` takes
 */
export function stateTimes(
  columns: SliceColumns,
  meanings: readonly Meaning[],
  observed: Span,
  visible: Span,
  pixels: number,
): StateTimes {
  const perPixel = (visible.endNs - visible.startNs) / pixels;
  const times = new Map<Meaning, Float64Array>();
  /** Spreads `timeNs` evenly over [from, to): an event's own length, or what short ones took of a bucket. */
  const add = (meaning: Meaning, from: number, to: number, timeNs: number): void => {
    let room = times.get(meaning);
    if (room === undefined) {
      room = new Float64Array(pixels);
      times.set(meaning, room);
    }
    const first = Math.max(0, Math.floor((from - visible.startNs) / perPixel));
    const density = timeNs / (to - from);
    for (let pixel = first; pixel < pixels; pixel += 1) {
      const start = visible.startNs + pixel * perPixel;
      if (start >= to) break;
      const overlap = Math.min(to, start + perPixel) - Math.max(from, start);
      if (overlap > 0) room[pixel] = (room[pixel] ?? 0) + overlap * density;
    }
  };
  if (observed.endNs > observed.startNs) {
    add('running', observed.startNs, observed.endNs, observed.endNs - observed.startNs);
  }
  const { short } = columns;
  for (let i = 0; i < columns.startNs.length; i += 1) {
    const start = columns.startNs[i] ?? 0;
    const end = columns.endNs[i] ?? 0;
    if (end - start < (short?.bucketNs ?? 0)) continue;
    const woken = Math.max(start, end - (columns.runnableNs[i] ?? 0));
    if (woken > start) add(meanings[columns.colour[i] ?? 0] ?? 'other', start, woken, woken - start);
    if (end > woken) add('runnable', woken, end, end - woken);
  }
  for (let i = 0; i < (short?.startNs.length ?? 0); i += 1) {
    const start = short?.startNs[i] ?? 0;
    const end = start + (short?.bucketNs ?? 0);
    const blocked = short?.blockedNs[i] ?? 0;
    const runnable = short?.runnableNs[i] ?? 0;
    if (blocked > 0) add(meanings[short?.colour[i] ?? 0] ?? 'other', start, end, blocked);
    if (runnable > 0) add('runnable', start, end, runnable);
  }
  // Between two stretches off the CPU the thread was on it: that is what "off" begins and ends with.
  const running = times.get('running');
  for (let pixel = 0; pixel < (running?.length ?? 0); pixel += 1) {
    let off = 0;
    for (const [meaning, room] of times) if (meaning !== 'running') off += room[pixel] ?? 0;
    if (running !== undefined) running[pixel] = Math.max(0, (running[pixel] ?? 0) - off);
  }
  return times;
}

/** The boxes that fill those columns to `height` pixels; neighbours of one height are one box. */
export function stateBoxes(times: StateTimes, pixels: number, height: number): readonly StateBox[] {
  const waits = MEANINGS.filter(meaning => meaning !== 'running' && times.has(meaning));
  const carried = new Map<Meaning, number>();
  const open = new Map<Meaning, StateBox>();
  const boxes: StateBox[] = [];
  const put = (meaning: Meaning, x: number, top: number, tall: number): void => {
    const before = open.get(meaning);
    if (
      before !== undefined &&
      before.top === top &&
      before.height === tall &&
      before.x + before.width === x
    ) {
      open.set(meaning, { ...before, width: before.width + 1 });
      return;
    }
    if (before !== undefined) boxes.push(before);
    open.set(meaning, { meaning, x, width: 1, top, height: tall });
  };
  for (let x = 0; x < pixels; x += 1) {
    const running = times.get('running')?.[x] ?? 0;
    let all = running;
    for (const meaning of waits) all += times.get(meaning)?.[x] ?? 0;
    if (all <= 0) continue;
    const heights: [Meaning, number][] = [];
    let left = height;
    for (const meaning of waits) {
      const time = times.get(meaning)?.[x] ?? 0;
      if (time <= 0) continue;
      const wanted = (time / all) * height + (carried.get(meaning) ?? 0);
      const tall = Math.min(left, Math.max(0, Math.round(wanted)));
      carried.set(meaning, wanted - tall);
      left -= tall;
      if (tall > 0) heights.push([meaning, tall]);
    }
    // Room that rounding left over in a column without running is its last state's.
    const last = heights.at(-1);
    if (left > 0 && running <= 0 && last !== undefined) {
      carried.set(last[0], (carried.get(last[0]) ?? 0) - left);
      last[1] += left;
      left = 0;
    }
    if (left > 0) put('running', x, height - left, left);
    let top = height - left;
    for (const [meaning, tall] of heights) {
      top -= tall;
      put(meaning, x, top, tall);
    }
  }
  return [...boxes, ...open.values()];
}
