import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, counted, duration, listed, plain, plainDeep, sentence } from './words.ts';

for (const [ns, text] of [
  [0, '0 ns'],
  [999, '999 ns'],
  [1000, '1.00 us'],
  [13_100_000, '13.1 ms'],
  [250_000_000, '250 ms'],
  [61_500_000_000, '61.5 s'],
] as const) {
  test(`${ns} ns is ${text}`, () => assert.equal(duration(ns), text));
}

test('thousands are set apart', () => assert.equal(count(1_234_567), '1 234 567'));
test('lists read like a sentence', () =>
  assert.deepEqual([[], ['a'], ['a', 'b', 'c']].map(listed), ['', 'a', 'a, b and c']));

test('control characters, escapes and turned text are gone; line ends are spaces', () => {
  assert.equal(plain('a\u001b[31mred\u0007\u0000 b\r\nc\u202etxt.exe\u200b'), 'a[31mred b ctxt.exe');
  assert.deepEqual(plainDeep({ a: ['\u001bx', { b: 'y\n', c: undefined }], d: 1, e: null }), {
    a: ['x', { b: 'y ' }],
    d: 1,
    e: null,
  });
});

test('one full stop, and one of a thing', () => {
  assert.equal(sentence('BTF is missing.'), 'BTF is missing.');
  assert.equal(sentence('lost 3, missed 0'), 'lost 3, missed 0.');
  assert.deepEqual([counted(1, 'call'), counted(18321, 'call')], ['1 call', '18 321 calls']);
});
