import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Belief } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { missingParts } from './missing.ts';

const part = { startNs: ns(10), durationNs: ns(5) };
const belief: Belief = {
  consistent: true,
  eventsLost: 1309,
  losses: [
    { ...part, class: 'cuda', source: 'ring', events: 1234 },
    { ...part, class: 'scheduler', source: 'ring', events: 70 },
    { ...part, class: 'life', source: 'ring', events: 5 },
  ],
  coverage: [
    { ...part, what: 'stacks', reason: 'overhead', kept: 0.5 },
    { ...part, what: 'calls', reason: 'overhead', kept: 1 },
  ],
  probesAsked: 1,
  probesAttached: 1,
  remarks: [],
};

test('each loss on the rows that miss it; what was kept whole is not missing', () => {
  assert.deepEqual(
    missingParts(belief, 1000).map(({ kinds, words }) => [kinds.join(), words]),
    [
      ['cuda', '1,234 cuda events lost'],
      ['off_cpu,cpu', '70 scheduler events lost'],
      ['cuda,off_cpu,cpu', '5 life events lost'],
      ['cuda,off_cpu,cpu', 'stacks: 50 % kept'],
    ],
  );
  for (const missing of missingParts(belief, 1000))
    assert.deepEqual([missing.startNs, missing.endNs], [10, 15]);
});

test('what is thinned all along is no stretch of the picture', () => {
  const whole = { startNs: ns(0), durationNs: ns(1000), what: 'switches', reason: 'sampled', kept: 0.02 };
  const words = missingParts({ ...belief, losses: [], coverage: [...belief.coverage, whole] }, 1000);
  assert.deepEqual(
    words.map(missing => missing.words),
    ['stacks: 50 % kept'],
  );
});
