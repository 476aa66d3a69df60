import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShortTimes, SliceColumns } from '../../extension/trace/api.ts';
import { ns, type Span } from '../../extension/trace/time.ts';
import type { Meaning } from '../base/colours.ts';
import { type StateBox, stateBoxes, stateTimes } from './states.ts';

const span = (startNs: number, endNs: number): Span => ({ startNs: ns(startNs), endNs: ns(endNs) });
const MEANINGS: readonly Meaning[] = ['runnable', 'sleep'];
const SLEEP = 1;

/** [start, end, runnable] of events that sleep, then wait for a CPU. */
const columns = (
  events: readonly (readonly [number, number, number])[],
  short?: ShortTimes,
): SliceColumns => ({
  track: 'off_cpu:1',
  startNs: Float64Array.from(events, ([start]) => start),
  endNs: Float64Array.from(events, ([, end]) => end),
  runnableNs: Float64Array.from(events, ([, , runnable]) => runnable),
  depth: new Uint8Array(events.length),
  colour: new Uint16Array(events.length).fill(SLEEP),
  label: new Uint32Array(events.length),
  id: Float64Array.from(events, (_, index) => index),
  count: new Uint32Array(events.length).fill(1),
  short,
});

const areas = (boxes: readonly StateBox[]): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const { meaning, width, height } of boxes) sums[meaning] = (sums[meaning] ?? 0) + width * height;
  return sums;
};

test('each column has the time of its states, clipped to what is visible and observed', () => {
  const times = stateTimes(columns([[150, 300, 20]]), MEANINGS, span(50, 400), span(0, 300), 3);
  assert.deepEqual(Object.fromEntries([...times].map(([meaning, room]) => [meaning, [...room]])), {
    running: [50, 50, 0],
    sleep: [0, 50, 80],
    runnable: [0, 0, 20],
  });
});

test('what is too short to draw counts by its sums, and not once more by its rectangle', () => {
  const short = {
    bucketNs: 100,
    startNs: Float64Array.of(0, 200),
    colour: Uint16Array.of(SLEEP, SLEEP),
    blockedNs: Float64Array.of(10, 0),
    runnableNs: Float64Array.of(0, 30),
  };
  const times = stateTimes(columns([[3, 8, 0]], short), MEANINGS, span(0, 300), span(0, 300), 3);
  assert.deepEqual(Object.fromEntries([...times].map(([meaning, room]) => [meaning, [...room]])), {
    running: [90, 100, 70],
    sleep: [10, 0, 0],
    runnable: [0, 0, 30],
  });
});

test('one state all over a stretch is one box; columns are stacked, running below', () => {
  const times = stateTimes(columns([[250, 500, 50]]), MEANINGS, span(0, 600), span(0, 600), 6);
  const boxes = stateBoxes(times, 6, 10);
  assert.deepEqual(
    [...boxes].sort((a, b) => a.x - b.x || b.top - a.top),
    [
      { meaning: 'running', x: 0, width: 2, top: 0, height: 10 },
      { meaning: 'running', x: 2, width: 1, top: 5, height: 5 },
      { meaning: 'sleep', x: 2, width: 1, top: 0, height: 5 },
      { meaning: 'sleep', x: 3, width: 1, top: 0, height: 10 },
      { meaning: 'runnable', x: 4, width: 1, top: 5, height: 5 },
      { meaning: 'sleep', x: 4, width: 1, top: 0, height: 5 },
      { meaning: 'running', x: 5, width: 1, top: 0, height: 10 },
    ],
  );
});

test('shares of far under a pixel keep their area over a row', () => {
  // 3 us of each 100 us asleep, at a column each: a third of a pixel of ten.
  const events = Array.from({ length: 400 }, (_, i) => [i * 100 + 40, i * 100 + 43, 0] as const);
  const times = stateTimes(columns(events), MEANINGS, span(0, 40_000), span(0, 40_000), 400);
  const { sleep = 0, running = 0 } = areas(stateBoxes(times, 400, 10));
  assert.equal(sleep + running, 4000, 'every pixel is painted once');
  assert.ok(Math.abs(sleep / 4000 - 0.03) < 0.001, `${sleep}`);
});
