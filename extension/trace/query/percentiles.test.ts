import assert from 'node:assert/strict';
import { test } from 'node:test';
import { histogram, nearestRank, STATS_BIN_NS } from './percentiles.ts';

const cases: readonly [values: readonly number[], p: number, expected: number][] = [
  [[7], 0.5, 7],
  [[7], 0.999, 7],
  [[1, 2], 0.5, 1],
  [[1, 2, 3, 4], 0.5, 2],
  [[1, 2, 3, 4], 0.75, 3],
  [[1, 2, 3, 4], 0.76, 4],
  [Array.from({ length: 1000 }, (_, i) => i + 1), 0.999, 999],
  [Array.from({ length: 1000 }, (_, i) => i + 1), 0.95, 950],
];

for (const [values, p, expected] of cases) {
  test(`p${100 * p} of ${values.length} values is ${expected}`, () => {
    assert.equal(nearestRank(Float64Array.from(values), p), expected);
  });
}

test('a value falls into the bin whose lower edge is the last that it reaches', () => {
  const values = [0, 999, 1000, 1999, 2000, 3999, 4000, 1e12];
  const bins = histogram(Float64Array.from(values));
  const expected = STATS_BIN_NS.map(
    (edge, i) =>
      values.filter(v => v >= edge && v < (STATS_BIN_NS[i + 1] ?? Number.POSITIVE_INFINITY)).length,
  );
  assert.deepEqual(bins, expected);
  assert.equal(
    bins.reduce((a, b) => a + b),
    values.length,
  );
});
