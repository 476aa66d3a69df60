// Copies with this machine as the host: the same commands run there, with nothing in between.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { RemoteHost } from './host.ts';
import { localHost } from './local-host.ts';
import { type DownloadOptions, download, hasFile, upload } from './transfer.ts';

const host = localHost();
const bytes = randomBytes(3_000_000);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const wrong = '0'.repeat(64);

describe('copying', { skip: process.platform === 'linux' ? false : 'hosts are Linux' }, () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const options = (given: Partial<DownloadOptions> = {}): DownloadOptions => ({
    sha256,
    bytes: bytes.length,
    signal: AbortSignal.timeout(20_000),
    progress: () => undefined,
    ...given,
  });
  const left = (): string[] => readdirSync(folder).sort();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wakechain-copy-'));
    writeFileSync(at('here'), bytes);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('there: private, whole, counted', async () => {
    const seen: number[] = [];
    await upload(host, at('here'), at('there it is'), at('part'), options({ progress: n => seen.push(n) }));
    assert.ok(readFileSync(at('there it is')).equals(bytes));
    assert.equal(statSync(at('there it is')).mode & 0o777, 0o700);
    assert.equal(seen.at(-1), bytes.length);
    assert.deepEqual(left(), ['here', 'there it is']);
    const { signal } = options();
    assert.equal(await hasFile(host, at('there it is'), sha256, signal), true);
    assert.equal(await hasFile(host, at('there it is'), wrong, signal), false);
    assert.equal(await hasFile(host, at('nowhere'), sha256, signal), false);
  });

  test('there, but not what was announced: refused, nothing stays', async () => {
    const copy = upload(host, at('here'), at('there'), at('part'), options({ sha256: wrong }));
    await assert.rejects(copy, { reason: 'hash_mismatch' });
    assert.deepEqual(left(), ['here']);
  });

  test('there, where nothing can be written: the host says why', async () => {
    const copy = upload(host, at('here'), at('no/there'), at('no/part'), options());
    await assert.rejects(copy, { reason: 'transfer', message: /no\/part/ });
  });

  test('there, cancelled on the way: nothing stays', async () => {
    const cancel = new AbortController();
    const copy = upload(
      host,
      at('here'),
      at('there'),
      at('part'),
      options({ signal: cancel.signal, progress: () => cancel.abort() }),
    );
    await assert.rejects(copy, { reason: 'cancelled' });
    assert.deepEqual(left(), ['here']);
  });

  test('here: whole and private', async () => {
    await download(host, at('here'), at('back'), options());
    assert.ok(readFileSync(at('back')).equals(bytes));
    assert.equal(statSync(at('back')).mode & 0o777, 0o600);
    assert.deepEqual(left(), ['back', 'here']);
  });

  test('here, but not what was recorded: discarded', async () => {
    await assert.rejects(download(host, at('here'), at('back'), options({ sha256: wrong })), {
      reason: 'hash_mismatch',
    });
    assert.deepEqual(left(), ['here']);
  });

  test('here, from a file that is gone', async () => {
    await assert.rejects(download(host, at('gone'), at('back'), options()), {
      reason: 'transfer',
      message: /gone/,
    });
    assert.deepEqual(left(), ['here']);
  });

  test('here, cancelled on the way: nothing stays', async () => {
    const cancel = new AbortController();
    const copy = download(
      host,
      at('here'),
      at('back'),
      options({ signal: cancel.signal, progress: () => cancel.abort() }),
    );
    await assert.rejects(copy, { reason: 'cancelled' });
    assert.deepEqual(left(), ['here']);
  });

  test('here, more or less than was announced: not believed, and no disk is filled', async () => {
    const seen: number[] = [];
    const progress = (n: number): void => {
      seen.push(n);
    };
    await assert.rejects(download(host, at('here'), at('back'), options({ bytes: 100_000, progress })), {
      reason: 'transfer',
      message: /more than the 100000 bytes/,
    });
    assert.ok(Math.max(0, ...seen) <= 100_000, String(seen.at(-1)));
    await assert.rejects(download(host, at('here'), at('back'), options({ bytes: bytes.length + 1 })), {
      reason: 'transfer',
      message: /3000000 of the 3000001 bytes/,
    });
    assert.deepEqual(left(), ['here']);
  });

  test('here, larger than the free disk: not begun', async () => {
    let asked = false;
    const watched: RemoteHost = {
      ...host,
      exec: (argv, signal) => {
        asked = true;
        return host.exec(argv, signal);
      },
    };
    await assert.rejects(download(watched, at('here'), at('back'), options({ bytes: 1e18 })), {
      reason: 'no_space',
      message: /1000000000000\.0 MB, but only .* on this machine/,
    });
    assert.equal(asked, false);
  });

  // The host in place of ours answers with a program that says nothing more and does not end.
  const stuck = (program: string): RemoteHost => ({
    ...host,
    exec: (_argv, signal) => host.exec(['sh', '-c', program], signal),
  });
  for (const [when, program] of [
    ['before the first byte', 'exec sleep 30'],
    ['in the middle', 'echo plain; head -c 1000 /dev/zero; exec sleep 30'],
    ['after the last byte', `echo plain; head -c ${bytes.length} /dev/zero; exec >&-; exec sleep 30`],
  ] as const)
    test(`here, from a host that stops answering ${when}: cancel is heard`, async () => {
      const signal = AbortSignal.timeout(500);
      await assert.rejects(download(stuck(program), at('here'), at('back'), options({ signal })), {
        reason: 'cancelled',
      });
      assert.deepEqual(left(), ['here']);
    });
});
