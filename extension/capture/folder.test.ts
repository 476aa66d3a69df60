import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chosenFolder, readyFolder } from './folder.ts';

const places = { home: '/home/ann', workspace: '/projects/llm', storage: '/storage/traces' };

test('what the setting means', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['', '/storage/traces'],
    ['  ', '/storage/traces'],
    ['/data/traces', '/data/traces'],
    ['/data//x/../traces', '/data/traces'],
    ['~', '/home/ann'],
    ['~/traces', '/home/ann/traces'],
    ['traces', '/projects/llm/traces'],
    ['./traces', '/projects/llm/traces'],
  ];
  for (const [setting, path] of cases)
    assert.deepEqual(chosenFolder(setting, places), { kind: 'folder', path }, setting);
  const relative = chosenFolder('traces', { ...places, workspace: undefined });
  assert.ok(relative.kind === 'bad');
  assert.match(relative.message, /wakechain\.captureDirectory.*"traces" is relative.*none is open/);
  const other = chosenFolder('~bob/traces', places);
  assert.ok(other.kind === 'bad');
  assert.match(other.message, /home of another user/);
});

test('a folder is made, for us alone; one that cannot be made is a sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wakechain-folder-'));
  try {
    const path = join(folder, 'a', 'b');
    assert.deepEqual(await readyFolder({ kind: 'folder', path }), { kind: 'folder', path });
    assert.equal(statSync(path).mode & 0o777, 0o700);
    writeFileSync(join(folder, 'file'), '');
    const blocked = await readyFolder({ kind: 'folder', path: join(folder, 'file', 'traces') });
    assert.ok(blocked.kind === 'bad');
    assert.match(blocked.message, /wakechain\.captureDirectory: no trace can be written to .*ENOTDIR/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
