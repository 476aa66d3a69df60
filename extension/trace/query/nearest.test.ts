import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const known = ['cudaLaunchKernel', 'cuLaunchKernel', 'cudaMalloc', 'futex'];

for (const [asked, expected] of [
  ['cudaLaunchKernal', 'cudaLaunchKernel'],
  ['CUDALAUNCHKERNEL', 'cudaLaunchKernel'],
  ['futx', 'futex'],
  ['cudaMallok', 'cudaMalloc'],
  ['something else', undefined],
  ['', undefined],
] as const) {
  test(`"${asked}" is nearest to ${expected}`, () => assert.equal(nearest(asked, known), expected));
}
