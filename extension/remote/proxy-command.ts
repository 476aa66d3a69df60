// ProxyCommand of ssh_config(5): a shell line whose standard input and output are the connection to the host.
// It runs through the shell, as OpenSSH runs it, so no words are split here; the names put in are restricted (target.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { SshSettings } from './config.ts';
import { RemoteError } from './errors.ts';
import { expandTokens } from './tokens.ts';

/** Characters that a host name from the configuration may have where it is put into a shell line. */
const SAFE = /^[A-Za-z0-9_.:%-]+$/;

export interface ProxyProcess {
  readonly stream: Duplex;
  /** The last thing it said on standard error: why the connection failed, when it did. */
  lastWords(): string;
}

export function spawnProxyCommand(command: string, settings: SshSettings): ProxyProcess {
  if (!SAFE.test(settings.hostName) || settings.hostName.startsWith('-'))
    throw new RemoteError(
      'config',
      `The host name "${settings.hostName}" has characters that cannot be put into a ProxyCommand.`,
      'Correct HostName in ~/.ssh/config.',
    );
  const line = expandTokens(command, settings);
  const child = spawn(process.platform === 'win32' ? line : `exec ${line}`, {
    shell: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = `${words}${chunk.toString('utf8')}`.slice(-2000);
  });
  return { stream: streamOf(child), lastWords: () => words.trim().split('\n').at(-1) ?? '' };
}

function streamOf(child: ChildProcess): Duplex {
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new RemoteError('proxy', 'The ProxyCommand could not be started.');
  const stream = Duplex.from({ readable: stdout, writable: stdin });
  stream.on('close', () => child.kill());
  child.on('error', error => stream.destroy(error));
  return stream;
}
