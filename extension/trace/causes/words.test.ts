import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address, competitor, counted, percent, time } from './words.ts';

test('times are short and carry their unit', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 ns'],
    [850, '850 ns'],
    [1000, '1 us'],
    [13_100_000, '13.1 ms'],
    [9_000_000, '9 ms'],
    [999_400, '999 us'],
    [999_600, '1 ms'],
    [2_310_000_000, '2.31 s'],
    [184_000_000_000, '184 s'],
  ];
  for (const [value, words] of cases) assert.equal(time(value), words);
});

test('a share that is not whole never looks whole, nor none that is some', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 %'],
    [0.0004, '< 0.1 %'],
    [0.004, '0.4 %'],
    [0.71, '71 %'],
    [0.994, '99.4 %'],
    [0.9999, '> 99.9 %'],
    [1, '100 %'],
  ];
  for (const [value, words] of cases) assert.equal(percent(value), words);
});

test('things are named so that they can be found', () => {
  assert.equal(counted(1, 'call'), '1 call');
  assert.equal(counted(10_184, 'call'), '10,184 calls');
  assert.equal(address(0x7f31aa55e8d0), '0x7f31..8d0');
  assert.equal(address(0x10), '0x10');
  const spinner = { id: 1, tid: 124, pid: 123, name: 'worker', process: 'spinner' };
  assert.equal(competitor(spinner), 'worker of spinner (pid 123)');
  assert.equal(competitor({ ...spinner, name: 'spinner' }), 'spinner (pid 123)');
});
