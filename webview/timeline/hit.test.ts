import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SliceColumns } from '../../extension/trace/api.ts';
import { hit, sliceAt } from './hit.ts';

const COLUMNS: SliceColumns = {
  track: 'cuda:1',
  startNs: new Float64Array([0, 10, 100, 300]),
  endNs: new Float64Array([50, 40, 200, 301]),
  depth: new Uint8Array([0, 1, 0, 0]),
  colour: new Uint16Array([0, 0, 1, 1]),
  label: new Uint32Array([0, 1, 0, 0]),
  runnableNs: new Float64Array([0, 0, 0, 0]),
  short: undefined,
  id: new Float64Array([7, 8, 9, 10]),
  count: new Uint32Array([1, 1, 1, 5]),
};

for (const [name, at, depth, slack, want] of [
  ['inside', 5, 0, 0, 0],
  ['its end is open', 50, 0, 0, undefined],
  ['by level', 20, 1, 0, 1],
  ['outside its level', 60, 1, 0, undefined],
  ['near enough', 298, 0, 5, 3],
  ['the nearest of two', 80, 0, 60, 2],
  ['too far', 250, 0, 5, undefined],
] as const) {
  test(name, () => assert.equal(hit(COLUMNS, at, depth, slack), want));
}

test('a rectangle is read out of its columns', () => {
  assert.deepEqual(sliceAt(COLUMNS, 2, ['launch', 'copy'], ['cudaMemcpy', 'cuMemcpy']), {
    track: 'cuda:1',
    index: 2,
    span: { startNs: 100, endNs: 200 },
    runnableNs: 0,
    label: 'cudaMemcpy',
    colour: 'copy',
    id: 9,
    count: 1,
    depth: 0,
  });
});
