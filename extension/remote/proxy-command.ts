// ProxyCommand of ssh_config(5): a shell line whose standard input and output are the connection to the host.
// It runs through the shell, as OpenSSH runs it, so no words are split here; the names put in are restricted (target.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SshSettings } from './config.ts';
import { RemoteError } from './errors.ts';
import { expandTokens } from './tokens.ts';
import { lastLine } from './words.ts';

/** Characters that a host name from the configuration may have where it is put into a shell line. */
const SAFE = /^[A-Za-z0-9_.:%-]+$/;

/** The connection is found broken before the command has finished complaining. */
const LAST_WORDS_MS = 500;

interface ProxyProcess {
  readonly stream: Duplex;
  /** The last thing it said on standard error, once it is done: why the connection failed, when it did. */
  lastWords(): Promise<string>;
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
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()));
  const lastWords = async (): Promise<string> => {
    await Promise.race([closed, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
    return lastLine(words);
  };
  return { stream: streamOf(child), lastWords };
}

function streamOf(child: ChildProcess): Duplex {
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new RemoteError('proxy', 'The ProxyCommand could not be started.');
  const stream = Duplex.from({ readable: stdout, writable: stdin });
  // Whoever uses the stream is told by its end; a broken pipe after that is nobody's news.
  stream.on('error', () => undefined);
  stream.on('close', () => child.kill());
  child.on('error', error => stream.destroy(error));
  child.on('close', () => stream.destroy());
  return stream;
}
