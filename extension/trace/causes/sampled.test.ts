import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

import { placeOf } from './sampled.ts';

test('what a thread ran is told by its samples, and that a hypervisor had taken CPUs', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  for (const at of [11_000, 12_000, 13_000]) trace.sample(engine, at, ['tokenize', 'main']);
  trace.sample(engine, 14_000, ['memcpy', 'main']);
  trace.sample(engine, 20_000, ['later']);
  trace.counter(9_000, 'cpu.steal_percent', 80);
  trace.counter(13_000, 'cpu.steal_percent', 23.4);
  trace.counter(17_000, 'cpu.steal_percent', 4);
  trace.counter(27_000, 'cpu.steal_percent', 90);
  const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 16_000));
  const [leaf] = cause.examples[0]?.children ?? [];
  assert.equal(
    leaf?.label,
    'on the CPU in cudaLaunchKernel, mostly in `tokenize` (3 of 4 samples), while the hypervisor had taken up to 23 % of the CPUs',
  );
  assert.deepEqual(
    leaf?.rows.map(({ table }) => table),
    ['cpu_slice', ...Array(4).fill('cpu_sample')],
  );
  assert.match(
    cause.sentence,
    /running on the CPU in cudaLaunchKernel, mostly in `tokenize` \(3 of 4 samples\)/,
  );
});

test('a sample is told by the function that a person would look for', () => {
  const native = (name: string) => ({ kind: 'native', function: name, file: undefined, line: undefined });
  const python = { kind: 'python', function: 'forward', file: '/app/model.py', line: 120 };
  const inKernel = (name: string) => ({ kind: 'kernel', function: name, file: undefined, line: undefined });
  const kernel = inKernel('clear_page');
  assert.equal(
    placeOf([native('dgemm_kernel'), native('_PyEval_EvalFrameDefault'), python], []),
    'dgemm_kernel, from forward (model.py:120)',
  );
  assert.equal(placeOf([native('_PyEval_EvalFrameDefault'), python], []), 'forward (model.py:120)');
  assert.equal(placeOf([python], []), 'forward (model.py:120)');
  assert.equal(placeOf([native('memset')], [kernel]), 'memset (in the kernel)');
  assert.equal(placeOf([], [kernel]), 'clear_page (in the kernel)');
  assert.equal(
    placeOf([native('load')], [kernel, inKernel('asm_exc_page_fault')]),
    'load (in the kernel, for a page fault)',
  );
  assert.equal(
    placeOf([native('load')], [inKernel('do_madvise'), inKernel('__x64_sys_madvise')]),
    'load (in the kernel, for madvise)',
  );
  assert.equal(placeOf([native('[[vdso]+0xbe1]'), native('now_ns')], []), 'now_ns');
  assert.equal(placeOf([], []), undefined);
});
