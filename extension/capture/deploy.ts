// Puts the collector on a host: into a private directory (0700) of the user's cache, named by version and hash, where it
// stays for the next time. It runs only after its SHA-256 was compared on the host itself.

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { RemoteError } from '../remote/errors.ts';
import { type RemoteHost, run, script } from '../remote/host.ts';
import { hasFile, upload } from '../remote/transfer.ts';
import { inBrackets, lastLine } from '../remote/words.ts';
import type { HostFacts } from './facts.ts';
import type { Undo } from './undo.ts';

interface Deployed {
  /** Absolute path on the host. */
  readonly path: string;
  /** False when it lay there already. */
  readonly uploaded: boolean;
}

interface DeployOptions {
  /** The collector built for this host's processor. */
  readonly localFile: string;
  readonly version: string;
  readonly signal: AbortSignal;
  progress(bytes: number): void;
  /** Called before anything is written, with what takes it away again. */
  undo(step: Undo): void;
}

const NAME = 'wakechain-collector';

export async function deploy(host: RemoteHost, facts: HostFacts, options: DeployOptions): Promise<Deployed> {
  const sha256 = await hashFile(options.localFile);
  const base = `${facts.cache}/wakechain`;
  const directory = `${base}/${options.version}-${sha256.slice(0, 16)}`;
  const path = `${directory}/${NAME}`;
  if (await hasFile(host, path, sha256, options.signal)) return { path, uploaded: false };

  const partial = `${path}.${randomBytes(6).toString('hex')}`;
  const hadCache = (await run(host, script('test -d "$1"', facts.cache), options.signal)).exit.code === 0;
  options.undo({
    what: `${directory} on ${host.name}`,
    run: async signal => {
      const remove =
        'rm -f "$1" "$2"; rmdir "$3" "$4" 2>/dev/null; test -n "$5" && rmdir "$5" 2>/dev/null; test ! -e "$1" && test ! -e "$2"';
      const { exit, stderr } = await run(
        host,
        script(remove, path, partial, directory, base, hadCache ? '' : facts.cache),
        signal,
      );
      if (exit.code !== 0) throw new RemoteError('command', lastLine(stderr));
    },
  });
  const make = script('umask 077; mkdir -p "$1" && chmod 700 "$1" "$2" && test -O "$1"', directory, base);
  const made = await run(host, make, options.signal);
  if (made.exit.code !== 0)
    throw new RemoteError(
      'transfer',
      `${facts.user} cannot make ${directory} on ${host.name}${inBrackets(made.stderr)}.`,
      'Make room or give this user a writable home directory.',
    );
  await upload(host, options.localFile, path, partial, {
    sha256,
    signal: options.signal,
    progress: options.progress,
  });
  return { path, uploaded: true };
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
