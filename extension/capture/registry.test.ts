import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TraceRegistry } from './registry.ts';

test('newest first, each once, whole at any moment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wakechain-registry-'));
  try {
    const file = join(folder, 'sub', 'traces.json');
    const registry = new TraceRegistry(file);
    assert.deepEqual(await registry.list(), []);
    await Promise.all(['/a', '/b', '/a', '/c'].map(path => registry.add(path)));
    assert.deepEqual(await registry.list(), ['/c', '/a', '/b']);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { version: 1, traces: ['/c', '/a', '/b'] });
    await registry.remove('/a');
    assert.deepEqual(await registry.list(), ['/c', '/b']);
    writeFileSync(file, '{"version":1,"tra');
    assert.deepEqual(await registry.list(), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
