import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ns } from '../trace/time.ts';
import { type Moment, windowOf } from './window.ts';

// 2026-01-31T12:00:00.123456789Z
const capture = { startUnixNs: '1769860800123456789', durationNs: ns(10_000_000_000) };

const cases: readonly [start: Moment | undefined, end: Moment | undefined, startNs: number, endNs: number][] =
  [
    [1, 2.5, 1e9, 2.5e9],
    ['1', '2.5', 1e9, 2.5e9],
    [undefined, 2, 0, 2e9],
    [3, undefined, 3e9, 10e9],
    ['2026-01-31T12:00:00.123456789Z', '2026-01-31T12:00:01.123456790Z', 0, 1_000_000_001],
    ['2026-01-31T12:00:01Z', '2026-01-31T12:00:02', 876_543_211, 1_876_543_211],
    ['2026-01-31T13:00:01+01:00', undefined, 876_543_211, 10e9],
    ['2026-01-31 12:00:01.5', undefined, 1_376_543_211, 10e9],
    ['2026-01-31', undefined, -43_200_123_456_789, 10e9],
  ];

for (const [start, end, startNs, endNs] of cases) {
  test(`${start} to ${end}`, () => assert.deepEqual(windowOf(start, end, capture), { startNs, endNs }));
}

test('no moment, no window', () => assert.equal(windowOf(undefined, undefined, capture), undefined));

for (const [start, end, says] of [
  [5, 2, /ends before it begins/],
  ['yesterday', undefined, /"yesterday" is no moment/],
  ['2026-13-45T00:00:00Z', undefined, /no moment/],
] as const) {
  test(`${start} to ${end} is refused`, () => {
    assert.throws(() => windowOf(start, end, capture), { reason: 'bad_query', message: says });
  });
}
