import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wholeBelief } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { explainDelay, findCauses } from './index.ts';

test('unknown things are said, not guessed', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  trace.call(engine, 'cudaLaunchKernel', 10_000, 20_000);
  const db = trace.database();
  assert.throws(() => explainDelay(db, { call: 999 }), { reason: 'not_in_trace' });
  assert.throws(() => explainDelay(db, { thread: 999, window: { startNs: 0, endNs: 1 } as never }), {
    reason: 'not_in_trace',
  });
  assert.throws(() => explainDelay(db, { worst: { pid: 4242 } }), { reason: 'not_in_trace' });
  assert.throws(() => explainDelay(db, { thread: engine.id, window: { startNs: 5, endNs: 5 } as never }), {
    reason: 'bad_query',
  });
  assert.throws(() => findCauses(db, { floorUs: Number.NaN }, wholeBelief), { reason: 'bad_query' });
});
