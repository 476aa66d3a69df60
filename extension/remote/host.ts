// One host that commands run on: the interface that capture/ works with, whether the host is reached over SSH
// (ssh-host.ts) or is this machine (local-host.ts). Copying files and becoming root are built from `exec` alone
// (transfer.ts, root.ts), so they work the same on both.

import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { RemoteError, untilAborted } from './errors.ts';

/** How a process ended. Both undefined: the host never said, as when it was cut off by us. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

export interface RemoteProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Rejects with `connection_lost` when the host was lost before the process ended. */
  readonly exit: Promise<Exit>;
  /** Lets go of it: its streams end, and a process that reads its input sees the end of it. */
  close(): void;
}

export interface RemoteHost {
  /** As people name it: the alias of the SSH configuration, or `This machine`. */
  readonly name: string;
  /** Starts a program. Arguments reach it as they are: no shell on the way changes them. */
  exec(argv: readonly string[], signal: AbortSignal): Promise<RemoteProcess>;
  /** Settles when the host is gone: with an error when it was lost, without one after `dispose`. */
  readonly closed: Promise<RemoteError | undefined>;
  dispose(): void;
}

export interface Output {
  readonly exit: Exit;
  readonly stdout: string;
  readonly stderr: string;
}

/** Output kept of a command whose answer is short; what goes beyond is not asked for by anything here. */
const OUTPUT_CAP_BYTES = 16 * 1024 * 1024;

export async function collect(stream: Readable, capBytes = OUTPUT_CAP_BYTES): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > capBytes) throw new RemoteError('command', `The host answered more than ${capBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Runs a program to its end and gives back what it said. `stdin` is written first, then its end. */
export async function run(
  host: RemoteHost,
  argv: readonly string[],
  signal: AbortSignal,
  stdin = '',
): Promise<Output> {
  const process = await host.exec(argv, signal);
  try {
    process.stdin.on('error', () => undefined);
    process.stdin.end(stdin);
    const all = Promise.all([process.exit, collect(process.stdout), collect(process.stderr)]);
    const [exit, stdout, stderr] = await untilAborted(all, signal);
    return { exit, stdout, stderr };
  } catch (error) {
    // Short commands end by themselves: let them, so that none is left when we say so.
    await endWithin(process, PATIENCE_MS);
    throw error;
  } finally {
    process.close();
  }
}

const PATIENCE_MS = 3000;

/** Waits for the end of a process, but not for long. */
export async function endWithin(process: RemoteProcess, ms: number): Promise<void> {
  const ended = process.exit.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([ended, sleep(ms, undefined, { ref: false })]);
}

/**
 * A POSIX shell script with arguments. Scripts are one line without single quotes and backslashes, so that the quoting
 * below means the same to every login shell (sh, bash, zsh, fish, csh).
 */
export const script = (text: string, ...args: readonly string[]): readonly string[] => [
  'sh',
  '-c',
  text,
  'sh',
  ...args,
];

/** One word for a login shell. */
export const quote = (word: string): string =>
  /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
