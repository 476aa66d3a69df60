import assert from 'node:assert/strict';
import { test } from 'node:test';
import { depths } from './depths.ts';

const cases: readonly [
  name: string,
  intervals: readonly [start: number, duration: number][],
  expected: readonly number[],
][] = [
  [
    'side by side',
    [
      [0, 5],
      [5, 5],
      [20, 1],
    ],
    [0, 0, 0],
  ],
  [
    'inside each other',
    [
      [0, 10],
      [1, 8],
      [2, 3],
      [6, 1],
    ],
    [0, 1, 2, 2],
  ],
  [
    'same start, the outer first',
    [
      [0, 10],
      [0, 4],
    ],
    [0, 1],
  ],
  [
    'crossing, which no real call does: never two of one level at once',
    [
      [0, 10],
      [5, 10],
      [12, 1],
    ],
    [0, 1, 2],
  ],
  [
    'still open',
    [
      [0, -1],
      [3, 4],
      [9, 1],
    ],
    [0, 1, 1],
  ],
];

for (const [name, intervals, expected] of cases) {
  test(name, () => {
    const rows = Int32Array.from(intervals.keys());
    const starts = Float64Array.from(intervals, ([start]) => start);
    const durations = Float64Array.from(intervals, ([, duration]) => duration);
    assert.deepEqual([...depths(rows, starts, durations)], expected);
  });
}
