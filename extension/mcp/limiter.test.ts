import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Limiter } from './limiter.ts';

test('so many in any second, and again when the second has passed', () => {
  const limiter = new Limiter(3);
  const admitted = [0, 10, 20, 30, 999, 1000, 1001, 1010, 1021, 5000].map(ms => limiter.admit(ms));
  assert.deepEqual(admitted, [true, true, true, false, false, true, false, true, true, true]);
});
