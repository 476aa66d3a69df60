import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { causeAsMarkdown } from './markdown.ts';

test('a cause as Markdown: a list as deep as the tree, names kept words', () => {
  const cause: Cause = {
    id: 'c1',
    kind: 'cause',
    sentence: 'held by [evil](http://x)',
    severity: 'high',
    confidence: { value: 0.95, loweredBy: [] },
    share: 0.5,
    timeNs: ns(2_000_000),
    count: 4,
    explained: 0.97,
    state: undefined,
    examples: [
      {
        edge: 'slow_call',
        state: 'other',
        thread: undefined,
        startNs: ns(0),
        durationNs: ns(1_000_000),
        label: 'cudaLaunchKernel',
        confidence: 1,
        rows: [{ table: 'cuda_call', id: 7 }],
        children: [
          {
            edge: 'lock',
            state: 'lock',
            thread: undefined,
            startNs: ns(0),
            durationNs: ns(1_000_000),
            label: 'waited',
            confidence: 1,
            rows: [],
            children: [],
          },
        ],
      },
    ],
  };
  assert.equal(
    causeAsMarkdown(cause),
    `**held by \\[evil\\](http://x)**

4 times, 2.00 ms in all; 97 % explained; confidence 0.95.

The worst, 1.00 ms:

- cudaLaunchKernel — 1.00 ms, 100 % (cuda\\_call 7)
  - lock: waited — 1.00 ms, 100 %
`,
  );
});
