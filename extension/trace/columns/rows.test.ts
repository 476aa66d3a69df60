import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubles, Growing, GrowingIds, groupBy, placesOf, reorder } from './rows.ts';

test('a growing column keeps every value, over the edges of its chunks', () => {
  for (const rows of [0, 1, 256, 257, 65_536, 65_537, 200_000]) {
    const column = new Growing(doubles);
    for (let i = 0; i < rows; i++) column.push(i * 3);
    assert.equal(column.length, rows);
    assert.ok(column.take().every((value, row) => value === row * 3));
  }
});

test('it is taken with each row at its place', () => {
  const column = new Growing(doubles);
  for (let i = 0; i < 70_000; i++) column.push(i);
  const backwards = Int32Array.from({ length: 70_000 }, (_, i) => 69_999 - i);
  assert.ok(column.take(backwards).every((value, row) => value === 69_999 - row));
});

test('ids take four bytes until one needs more, and none is changed by that', () => {
  const small = new GrowingIds();
  const large = new GrowingIds();
  for (const id of [1, -1, 2 ** 31 - 1]) {
    small.push(id);
    large.push(id);
  }
  large.push(2 ** 53 - 1);
  large.push(5);
  assert.deepEqual(small.take(), Int32Array.of(1, -1, 2 ** 31 - 1));
  assert.deepEqual(large.take(), Float64Array.of(1, -1, 2 ** 31 - 1, 2 ** 53 - 1, 5));
});

test('groups hold their own rows, by time, and leave out keys that do not exist', () => {
  const key = Int32Array.from([1, 0, 1, -1, 0, 9]);
  const start = Float64Array.from([50, 7, 20, 1, 7, 2]);
  const { offsets, order } = groupBy(key, 2, start);
  assert.deepEqual([...offsets], [0, 2, 4]);
  assert.deepEqual([...order], [1, 4, 2, 0]);
  assert.deepEqual(
    [...order].map(row => start[row]),
    [7, 7, 20, 50],
  );
});

test('rows in an order are each at their place', () => {
  const order = Int32Array.of(2, 0, 1);
  assert.deepEqual([...reorder(doubles, Float64Array.of(10, 20, 30), placesOf(order))], [30, 10, 20]);
});
