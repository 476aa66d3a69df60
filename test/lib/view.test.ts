// The viewer's command ends when there is nothing to show.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('a file that is not there: a sentence and status 1, not a server', () => {
  const program = fileURLToPath(new URL('../../scripts/view.mjs', import.meta.url));
  const absent = join(tmpdir(), 'absent.wakechain.db');
  const run = spawnSync(process.execPath, [program, absent, '--no-open'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(run.status, 1, run.stderr);
  assert.match(run.stderr, /There is no file .*absent\.wakechain\.db/);
  assert.equal(run.stdout, '');
});
