import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceStats } from '../../extension/trace/api.ts';
import { sumOf } from './range.ts';

test('reasons of all threads are summed, longest first', () => {
  const stats = {
    threads: [
      {
        cudaCalls: 4,
        offCpu: [
          { reason: 'futex', count: 1, blockedNs: 10, runnableNs: 2 },
          { reason: 'sleep', count: 1, blockedNs: 5, runnableNs: 0 },
        ],
      },
      { cudaCalls: 2, offCpu: [{ reason: 'sleep', count: 4, blockedNs: 90, runnableNs: 1 }] },
    ],
  } as unknown as TraceStats;
  assert.deepEqual(sumOf(stats), {
    calls: 6,
    reasons: [
      { reason: 'sleep', count: 5, blockedNs: 95, runnableNs: 1 },
      { reason: 'futex', count: 1, blockedNs: 10, runnableNs: 2 },
    ],
  });
});
