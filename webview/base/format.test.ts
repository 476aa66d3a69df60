import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatOffset,
  formatShare,
  formatShortCount,
  plain,
  shorten,
} from './format.ts';

const table = <I>(name: string, run: (input: I) => string, rows: readonly (readonly [I, string])[]): void => {
  for (const [input, want] of rows) test(`${name} ${String(input)}`, () => assert.equal(run(input), want));
};

table('duration', formatDuration, [
  [0, '0 ns'],
  [999, '999 ns'],
  [1000, '1.00 us'],
  [4123, '4.12 us'],
  [19_040, '19.0 us'],
  [310_000, '310 us'],
  [999_600, '1.00 ms'],
  [13_100_000, '13.1 ms'],
  [192_000_000, '192 ms'],
  [2_310_000_000, '2.31 s'],
  [125_000_000_000, '125 s'],
  [3_600_000_000_000, '60.0 min'],
]);
table('share', formatShare, [
  [0, '0 %'],
  [0.0004, '< 1 %'],
  [0.005, '1 %'],
  [0.713, '71 %'],
  [0.9999, '> 99 %'],
  [1, '100 %'],
]);
table('count', formatCount, [[412_807, '412,807']]);
table('short count', formatShortCount, [
  [9_999, '9,999'],
  [12_345, '12.3 k'],
  [1_240_000, '1.24 M'],
]);
table('bytes', formatBytes, [
  [512, '512 B'],
  [83_000_000, '83.0 MB'],
]);
table('offset', formatOffset, [
  [3_204_312_499, '+3.204 312 s'],
  [0, '+0.000 000 s'],
]);
table('plain', plain, [
  ['engine', 'engine'],
  ['a\u0007b\u202ec', 'a\ufffdb\ufffdc'],
]);

test('the clock keeps the nanoseconds that a double would lose', () => {
  const text = formatClock('1700000000123456789', 1, 9);
  assert.match(text, /^\d\d:\d\d:\d\d\.123456790$/);
  assert.match(formatClock('1700000000123456789', 0, 0), /^\d\d:\d\d:\d\d$/);
});

test('shortening keeps both ends', () => {
  assert.equal(shorten('abcdefghij', 7), 'abc…hij');
  assert.equal(shorten('abc', 7), 'abc');
});
