import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('two threads that seem to wait for each other: a limit, not a loop', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const other = trace.thread('other', { cpu: 1 });
  trace.waits(engine, { from: 10_000, woken: 20_000, by: other, reason: 'pipe' });
  trace.waits(other, { from: 10_000, woken: 20_000, by: engine, reason: 'pipe' });
  const call = trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  const cause = explained(trace, call);
  assert.equal(
    tree(cause),
    ['slow_call engine 10000-20000', '  waited_for other 10000-20000', '    limit engine 10000-20000'].join(
      '\n',
    ),
  );
  assert.match(cause.examples[0]?.children[0]?.children[0]?.label ?? '', /already part of the chain/);
});
