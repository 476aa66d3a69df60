import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaf } from './nodes.ts';
import { fitting, gather, type Part, type Run } from './parts.ts';

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
      runs.map(run => [run.count, lengthOf(run), run.byState.get('running')]),
      expected.map(run => {
        const together = run.reduce((sum, length) => sum + length, 0);
        return [run.length, together, together];
      }),
      lengths.join(' '),
    );
  }
});

const lengthOf = ({ first, endNs }: Run): number => endNs - first.startNs;
const sumOf = (runs: readonly Run[]): number => runs.reduce((sum, run) => sum + lengthOf(run), 0);

test('more pieces than fit: the longest stay, the others are gathered until they fit', () => {
  const equal = parts(Array.from({ length: 1000 }, () => 60));
  assert.equal(fitting(equal, 50, () => 1000).runs.length, 1000);
  const fewer = fitting(equal, 50, () => 100);
  assert.ok(fewer.runs.length <= 100 && fewer.runs.length > 50);
  assert.equal(sumOf(fewer.runs), 60_000);

  // Two hundred holders, and a moment between each: no cliff when they are a few too many.
  const mixed = parts(Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 2000 + i : 10)));
  const { runs, shortNs } = fitting(mixed, 50, () => 300);
  assert.ok(runs.length <= 300, String(runs.length));
  assert.equal(runs.filter(run => run.count === 1 && lengthOf(run) >= shortNs).length, 100);
  assert.equal(sumOf(runs), mixed.at(-1)?.endNs);

  assert.equal(fitting(parts([]), 0, () => 0).runs.length, 0);
});

test('parts that are gone through again, because they are many, are gathered the same', () => {
  const lengths = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 97);
  const list = parts(lengths);
  for (const most of [50, 300, 5000, 100_000]) {
    let passes = 0;
    const streamed = fitting(
      function* () {
        passes++;
        yield* list;
      },
      50,
      () => most,
    );
    const kept = fitting(list, 50, () => most);
    assert.equal(passes, 2);
    assert.ok(kept.runs.length <= most && kept.runs.length > 0);
    assert.deepEqual(streamed, kept);
  }
});
