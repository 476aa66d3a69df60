import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('a first call is told apart, where the process was seen from its start and later calls are shorter', () => {
  const cases: readonly { why: string; born: boolean; firstUs: number; isFirst: boolean }[] = [
    { why: 'cold', born: true, firstUs: 192_000, isFirst: true },
    { why: 'its process began before the capture', born: false, firstUs: 192_000, isFirst: false },
    { why: 'no longer than the others', born: true, firstUs: 3_500, isFirst: false },
  ];
  for (const { why, born, firstUs, isFirst } of cases) {
    const trace = new FixtureTrace(500_000);
    const engine = trace.thread('engine', { cpu: 0 });
    if (born) trace.sql('UPDATE process SET start_ns = 5');
    const first = trace.call(engine, 'cudaMalloc', 1_000, 1_000 + firstUs, 'allocate');
    const second = trace.call(engine, 'cudaMalloc', 200_000, 203_000, 'allocate');
    trace.call(engine, 'cudaMalloc', 210_000, 213_000, 'allocate');
    const cause = explained(trace, first);
    assert.equal(cause.examples[0]?.children[0]?.edge, isFirst ? 'first_use' : 'on_cpu', why);
    assert.equal(cause.kind, 'work', why);
    assert.doesNotMatch(explained(trace, second).sentence, /first/, why);
    if (!isFirst) continue;
    assert.equal(
      cause.sentence,
      '`cudaMalloc`, the first in its process, on engine (tid 1001) took 192 ms: all of it in the first use of cudaMalloc, on the CPU.',
    );
    assert.match(cause.remedy ?? '', /the first use of cudaMalloc can be part of the warm-up/);
  }
});

test('a call that loads a module sets up, whether or not its process was seen to start', () => {
  const cases: readonly { moduleUs: number; edges: string }[] = [
    { moduleUs: 6_000, edges: 'first_use nested_call first_use' },
    { moduleUs: 500, edges: 'on_cpu nested_call on_cpu' },
  ];
  for (const { moduleUs, edges } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 18_000);
    trace.call(engine, 'cuLibraryLoadData', 11_000, 11_000 + moduleUs, 'module');
    const cause = explained(trace, call);
    assert.equal(cause.examples[0]?.children.map(({ edge }) => edge).join(' '), edges);
    if (moduleUs === 6_000) {
      assert.match(tree(cause), /nested_call engine 11000-17000\n {4}first_use engine 11000-17000/);
      assert.match(cause.sentence, /all of it in loading a module \(cuLibraryLoadData\), on the CPU/);
    }
  }
});
