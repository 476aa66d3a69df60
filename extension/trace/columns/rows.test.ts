import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals, doubles, Growing, GrowingIds, groupBy, keysOf, Spares } from './rows.ts';

test('a growing column keeps every value, however many more come than were expected', () => {
  for (const rows of [0, 1, 256, 257, 65_536, 65_537, 200_000]) {
    const column = new Growing(doubles);
    for (let i = 0; i < rows; i++) column.push(i * 3);
    assert.equal(column.length, rows);
    assert.ok(column.take().every((value, row) => value === row * 3));
  }
});

test('it is sorted with each row at its place, into a spare where there is one', () => {
  const spares = new Spares();
  const backwards = Int32Array.from({ length: 1000 }, (_, i) => 999 - i);
  const sorted = [1, 2, 3].map(factor => {
    const column = new Growing(doubles, factor === 2 ? 1500 : 1000);
    for (let i = 0; i < 1000; i++) column.push(factor * i);
    return column.sort(backwards, spares);
  });
  for (const [i, column] of sorted.entries()) {
    assert.equal(column.length, 1000);
    assert.ok(
      column.every((value, row) => value === (i + 1) * (999 - row)),
      'no other column wrote into it',
    );
  }
  assert.equal(new Set(sorted.map(({ buffer }) => buffer)).size, 3);
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

test('rows go to their key, by time, whether they came so or not', () => {
  for (const starts of [
    [1, 2, 3, 4, 5, 5],
    [9, 2, 3, 1, 5, 5],
  ]) {
    const key = Int32Array.of(1, 0, 1, 1, 0, 0);
    const arrivals = new Arrivals();
    const start = new Growing(doubles);
    for (const [row, at] of starts.entries()) {
      arrivals.add(key[row] ?? 0, at);
      start.push(at);
    }
    const { offsets, places } = arrivals.places(key, 2, start);
    assert.deepEqual([...keysOf(offsets)], [0, 0, 0, 1, 1, 1]);
    const sorted = (k: number) => starts.filter((_, row) => key[row] === k).sort((a, b) => a - b);
    assert.deepEqual([...start.sort(places, new Spares())], [...sorted(0), ...sorted(1)]);
  }
});
