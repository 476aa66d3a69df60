import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ns } from '../../extension/trace/time.ts';
import { axisOf } from './ticks.ts';

const axis = (start: number, end: number) => axisOf({ startNs: ns(start), endNs: ns(end) }, 1000, 100);

test('24 ms in steps of 2 ms, from a round base', () => {
  const got = axis(3_196_500_000, 3_220_500_000);
  assert.equal(got.baseNs, 3_190_000_000);
  assert.equal(got.baseDigits, 3);
  assert.deepEqual(got.ticks.map(tick => tick.label).slice(0, 3), ['+8 ms', '+10 ms', '+12 ms']);
  for (const tick of got.ticks) assert.equal(tick.atNs % 2_000_000, 0);
});

test('the whole of ten seconds counts in seconds', () => {
  const got = axis(0, 10_000_000_000);
  assert.deepEqual([got.baseNs, got.baseDigits], [0, 0]);
  assert.deepEqual(got.ticks.map(tick => tick.label).slice(0, 3), ['+0 s', '+1 s', '+2 s']);
});

test('close up, ticks stay whole nanoseconds', () => {
  const got = axis(1_000_000_005, 1_000_000_105);
  assert.deepEqual(got.ticks.map(tick => tick.label).slice(0, 2), ['+10 ns', '+20 ns']);
  assert.equal(got.baseDigits, 9);
  assert.equal(got.baseNs, 1_000_000_000);
});
