import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { medianDeviation, percentile, threshold } from './statistics.ts';

const floor = 1000;
const many = (count: number, value: (i: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => value(i));

test('percentiles are nearest rank', () => {
  const values = Float64Array.from([1, 2, 3, 4]);
  assert.equal(percentile(values, 0.5), 2);
  assert.equal(percentile(values, 1), 4);
  assert.equal(percentile(values, 0), 1);
  assert.equal(percentile(new Float64Array(), 0.5), 0);
  assert.equal(medianDeviation(values, 2), 1);
});

test('the median of the distances is the one that sorting them gives', () => {
  const values = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 });
  fc.assert(
    fc.property(values, fc.integer({ min: -5, max: 55 }), (values, centre) => {
      const sorted = Float64Array.from(values, value => Math.abs(value - centre)).sort();
      assert.equal(medianDeviation(Float64Array.from(values).sort(), centre), percentile(sorted, 0.5));
    }),
  );
});

const cases: readonly { why: string; values: number[]; aboveNs: number; comparedWith: string }[] = [
  {
    why: 'fast calls: the floor rules',
    values: many(100, i => 10 + (i % 3)),
    aboveNs: 1000,
    comparedWith: 'median',
  },
  {
    why: 'a wide spread raises it above the floor',
    values: many(101, i => 5 * i),
    aboveNs: 250 + 8 * 125,
    comparedWith: 'median',
  },
  {
    why: 'what keeps time to a hair is not late by a hair: half as long again at least',
    values: many(101, i => 900 + (i % 3)),
    aboveNs: 1.5 * 901,
    comparedWith: 'median',
  },
  {
    why: 'most are slow: compared with the fastest',
    values: [...many(10, () => 20), ...many(90, () => 9000)],
    aboveNs: 1000,
    comparedWith: 'fastest',
  },
  {
    why: 'all are slow: nothing to compare with',
    values: many(50, () => 9000),
    aboveNs: 1000,
    comparedWith: 'floor',
  },
  { why: 'no values', values: [], aboveNs: 1000, comparedWith: 'median' },
];

test('slow is told from the usual', () => {
  for (const { why, values, aboveNs, comparedWith } of cases) {
    assert.deepEqual(threshold(Float64Array.from(values), floor), { aboveNs, comparedWith }, why);
  }
});
