import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlameTree } from '../../extension/trace/api.ts';
import { boxAt, boxesOf, childrenOf, pathTo, search } from './layout.ts';

/** name, parent, time, count */
const tree = (rows: readonly (readonly [string, number, number, number])[]): FlameTree => ({
  name: rows.map(row => row[0]),
  frameKind: rows.map(() => 'native'),
  parent: Int32Array.from(rows, row => row[1]),
  timeNs: Float64Array.from(rows, row => row[2]),
  count: Float64Array.from(rows, row => row[3]),
  withStack: 1,
});

const SMALL = tree([
  ['all', -1, 1000, 10],
  ['cudaMemcpy', 0, 300, 8],
  ['cudaLaunchKernel', 0, 700, 2],
  ['main', 2, 600, 1],
  ['worker', 2, 50, 1],
]);
const draw = (weight: 'time' | 'count', root: number, width: number) =>
  boxesOf(SMALL, childrenOf(SMALL), weight, root, width).map(box => [
    box.node === undefined ? 'merged' : SMALL.name[box.node],
    box.depth,
    Math.round(box.left),
    Math.round(box.width),
  ]);

test('heaviest first; what no child has stays empty at the right', () => {
  assert.deepEqual(draw('time', 0, 1000), [
    ['all', 0, 0, 1000],
    ['cudaLaunchKernel', 1, 0, 700],
    ['cudaMemcpy', 1, 700, 300],
    ['main', 2, 0, 600],
    ['worker', 2, 600, 50],
  ]);
});

test('by count the order is another', () => {
  assert.deepEqual(draw('count', 0, 1000).slice(1, 3), [
    ['cudaMemcpy', 1, 0, 800],
    ['cudaLaunchKernel', 1, 800, 200],
  ]);
});

test('zoomed in, the box fills the width and its ancestors lie above', () => {
  assert.deepEqual(draw('time', 2, 700), [
    ['all', 0, 0, 700],
    ['cudaLaunchKernel', 1, 0, 700],
    ['main', 2, 0, 600],
    ['worker', 2, 600, 50],
  ]);
  assert.deepEqual(pathTo(SMALL, 3), [0, 2, 3]);
});

test('boxes under a pixel become one, and nothing of their weight is lost', () => {
  const many = tree([
    ['all', -1, 1000, 1],
    ['wide', 0, 900, 1],
    ...Array.from({ length: 100 }, (_, i) => [`small${i}`, 0, 1, 1] as const),
  ]);
  const boxes = boxesOf(many, childrenOf(many), 'time', 0, 100);
  assert.equal(boxes.length, 3);
  const merged = boxes.find(box => box.node === undefined);
  assert.deepEqual([merged?.merged, merged?.value, Math.round(merged?.width ?? 0)], [100, 100, 10]);
});

test('thirty thousand frames lay out to no more boxes than pixels and levels', () => {
  const rows: (readonly [string, number, number, number])[] = [['all', -1, 30_000, 1]];
  for (let i = 1; i <= 30_000; i += 1)
    rows.push([`f${i}`, i % 3 === 1 ? 0 : i - 1, i % 3 === 1 ? 3 : i % 3 === 2 ? 2 : 1, 1]);
  const big = tree(rows);
  assert.ok(boxesOf(big, childrenOf(big), 'time', 0, 1000).length < 5000);
});

test('search: each match once, a match inside a match adds no share', () => {
  const nested = tree([
    ['all', -1, 100, 4],
    ['lock', 0, 60, 2],
    ['mutex_lock', 1, 50, 1],
    ['run', 0, 40, 2],
    ['Lock', 3, 10, 1],
  ]);
  const got = search(nested, 'time', 'lock');
  assert.deepEqual([[...got.found], got.value, got.share], [[1, 2, 4], 70, 0.7]);
  assert.equal(search(nested, 'count', 'lock').value, 3);
  assert.equal(search(nested, 'time', 'nothing').value, 0);
});

test('the box under a point', () => {
  const boxes = boxesOf(SMALL, childrenOf(SMALL), 'time', 0, 1000);
  assert.equal(boxAt(boxes, 750, 1)?.node, 1);
  assert.equal(boxAt(boxes, 10, 2)?.node, 3);
  assert.equal(boxAt(boxes, 900, 2), undefined);
});
