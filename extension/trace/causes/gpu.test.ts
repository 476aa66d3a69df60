import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafTimes } from '../../../test/fixtures/check-tree.ts';
import { explained } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('waiting for the GPU: spinning, sleeping in the driver, and by an ioctl', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  trace.waits(engine, {
    from: 10_000,
    woken: 14_000,
    reason: 'gpu',
    context: 'interrupt',
    interrupt: 'device',
  });
  trace.waits(engine, {
    from: 30_000,
    woken: 34_000,
    reason: 'poll',
    context: 'interrupt',
    interrupt: 'device',
  });
  const calls = [10_000, 20_000, 30_000].map(at =>
    trace.call(engine, 'cudaStreamSynchronize', at, at + 4_000, 'synchronize'),
  );
  for (const call of calls) {
    const cause = explained(trace, call);
    const root = cause.examples[0];
    assert.deepEqual([...leafTimes(root as never)], [['gpu', 4_000_000]]);
    assert.equal(cause.kind, 'work');
  }
});
