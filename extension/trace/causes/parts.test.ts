import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaf } from './nodes.ts';
import { gather, type Part } from './parts.ts';

/** Parts of these lengths, end to end. */
function parts(lengths: readonly number[]): readonly Part[] {
  let cursor = 0;
  return lengths.map(length => {
    const startNs = cursor;
    cursor += length;
    const endNs = cursor;
    const make = () =>
      leaf({ edge: 'on_cpu', state: 'running', thread: undefined, startNs, endNs, label: 'on the CPU' });
    return { startNs, endNs, state: 'running' as const, make };
  });
}

test('neighbours that are too short become one, until they are long enough together', () => {
  const cases: readonly (readonly [readonly number[], readonly (readonly number[])[]])[] = [
    [
      [100, 10, 100],
      [[100], [10], [100]],
    ],
    [
      [100, 10, 20, 100],
      [[100], [10, 20], [100]],
    ],
    [[10, 10, 10], [[10, 10, 10]]],
    [
      [20, 20, 20, 20, 20],
      [
        [20, 20, 20],
        [20, 20],
      ],
    ],
    [[0, 100, 0], [[100]]],
    [[], []],
  ];
  for (const [lengths, expected] of cases) {
    const runs = gather(parts(lengths), 50);
    assert.deepEqual(
      runs.map(run => run.map(({ startNs, endNs }) => endNs - startNs)),
      expected,
      lengths.join(' '),
    );
  }
});
