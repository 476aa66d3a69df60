import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Belief, TraceSummary } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { overheadOf, verdict } from './belief.ts';

const GOOD: Belief = {
  consistent: true,
  eventsLost: 0,
  losses: [],
  coverage: [],
  probesAsked: 84,
  probesAttached: 84,
  remarks: [],
};
const thinned = { startNs: ns(0), durationNs: ns(5), what: 'stacks', reason: 'overhead', kept: 0.5 };

for (const [name, belief, provenance, loud, text] of [
  ['nothing wrong is said quietly', GOOD, 'verified', false, 'nothing lost'],
  ['no checksum is not a fault', GOOD, 'not known', false, 'nothing lost'],
  ['loss', { ...GOOD, eventsLost: 1234 }, 'verified', true, '1,234 events lost'],
  ['sums', { ...GOOD, consistent: false }, 'verified', true, 'counters do not add up'],
  ['refused probes', { ...GOOD, probesAttached: 81 }, 'verified', true, '3 probes refused'],
  ['coverage', { ...GOOD, coverage: [thinned] }, 'verified', true, 'thinned in parts'],
  [
    'a changed file comes first',
    { ...GOOD, eventsLost: 9 },
    'changed',
    true,
    'file changed since its capture',
  ],
] as const) {
  test(name, () => assert.deepEqual(verdict(belief, provenance), { loud, text }));
}

test('overhead is a share of all CPU time, and says what was measured', () => {
  const summary = { durationNs: ns(1000), cpus: 4 } as TraceSummary;
  const both = { share: 0.01, of: 'the probes and the collector' };
  assert.deepEqual(overheadOf({ bpf_ns: 30, collector_cpu_ns: 10 }, summary), both);
  assert.deepEqual(overheadOf({ collector_cpu_ns: 40 }, summary), { share: 0.01, of: 'the collector' });
  assert.equal(overheadOf(undefined, summary), undefined);
  assert.equal(overheadOf({}, summary), undefined);
});
