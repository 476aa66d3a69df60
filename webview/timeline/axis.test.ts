import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SlicesResult } from '../../extension/trace/api.ts';
import { density } from './axis.ts';

test('the strip counts calls, not rectangles, and no nested call twice', () => {
  const answer: SlicesResult = {
    palette: [],
    labels: [],
    tracks: [
      {
        track: 'cuda:1',
        startNs: new Float64Array([0, 10, 55, 100]),
        endNs: new Float64Array([5, 20, 60, 100]),
        depth: new Uint8Array([0, 1, 0, 0]),
        colour: new Uint16Array(4),
        label: new Uint32Array(4),
        runnableNs: new Float64Array(4),
        id: new Float64Array(4),
        count: new Uint32Array([3, 1, 40, 2]),
        short: undefined,
      },
    ],
  };
  assert.deepEqual([...density(answer, 100, 4)], [3, 0, 40, 2]);
});
