import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTraceName, traceName } from './names.ts';

test('names are safe for files and tell host and time', () => {
  const time = new Date('2026-11-21T09:15:07.123Z');
  assert.equal(traceName('gpu1', time), 'gpu1-2026-11-21-091507.wakechain.db');
  assert.equal(traceName('ann@gpu.example:22', time), 'ann-gpu.example-22-2026-11-21-091507.wakechain.db');
  assert.equal(traceName('../../etc', time), 'etc-2026-11-21-091507.wakechain.db');
  assert.equal(traceName('///', time), 'host-2026-11-21-091507.wakechain.db');
  const read = parseTraceName(traceName('my-gpu', time));
  assert.equal(read?.host, 'my-gpu');
  assert.equal(read?.time.toISOString(), '2026-11-21T09:15:07.000Z');
  assert.equal(parseTraceName('demo.wakechain.db'), undefined);
});
