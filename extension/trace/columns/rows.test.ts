import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubles, Growing, groupBy, reorder } from './rows.ts';

test('a growing column keeps every value', () => {
  const column = new Growing(doubles, 0);
  for (let i = 0; i < 1000; i++) column.push(i * 3);
  const taken = column.take();
  assert.equal(taken.length, 1000);
  assert.equal(taken[999], 2997);
});

test('groups hold their own rows, by time, and leave out keys that do not exist', () => {
  const key = Int32Array.from([1, 0, 1, -1, 0, 9]);
  const start = Float64Array.from([50, 7, 20, 1, 7, 2]);
  const { offsets, order } = groupBy(key, 2, start);
  assert.deepEqual([...offsets], [0, 2, 4]);
  assert.deepEqual([...order], [1, 4, 2, 0]);
  assert.deepEqual([...reorder(start, order)], [7, 7, 20, 50]);
});
