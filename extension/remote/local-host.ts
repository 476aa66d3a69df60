// This machine as a host: the same interface with nothing in between.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cancelled, RemoteError } from './errors.ts';
import type { Exit, RemoteHost, RemoteProcess } from './host.ts';

export const THIS_MACHINE = 'This machine';

export function localHost(): RemoteHost {
  let close: (() => void) | undefined;
  const closed = new Promise<undefined>(resolve => {
    close = () => resolve(undefined);
  });
  return { name: THIS_MACHINE, exec: start, closed, dispose: () => close?.() };
}

async function start(argv: readonly string[], signal: AbortSignal): Promise<RemoteProcess> {
  if (signal.aborted) throw cancelled();
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new RemoteError('command', `${program} cannot be started: ${String(error)}.`);
  }
  const exit = new Promise<Exit>(resolve => {
    child.once('exit', (code, killedBy) =>
      resolve({ code: code ?? undefined, signal: killedBy ?? undefined }),
    );
  });
  child.stdin.on('error', () => undefined);
  const close = (): void => {
    if (child.exitCode === null && child.signalCode === null) child.kill();
    child.stdin.destroy();
  };
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit, close };
}
