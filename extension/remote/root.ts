// Becoming root on a host: we are it, or `sudo -n` lets us, or sudo takes a password. The password is asked for once,
// goes to sudo on standard input, and stays in memory as long as the caller keeps this value: in no argument, file or
// log. `-k` makes sudo ask even when it still trusts an earlier password: without it, the line meant for sudo would
// reach the program.

import { cancelled, RemoteError } from './errors.ts';
import { type Output, type RemoteHost, type RemoteProcess, run, script } from './host.ts';
import type { Prompts } from './prompts.ts';
import { inBrackets } from './words.ts';

export type Root =
  | { readonly kind: 'already' }
  | { readonly kind: 'sudo' }
  | { readonly kind: 'sudo_password'; readonly password: string };

const PASSWORD_TRIES = 3;
/** sudo's words are read below, so they are asked for in English whatever the host speaks. */
const IN_ENGLISH = ['env', 'LC_ALL=C'] as const;

function wrap(root: Root, argv: readonly string[]): { argv: readonly string[]; preamble: string } {
  switch (root.kind) {
    case 'already':
      return { argv, preamble: '' };
    case 'sudo':
      return { argv: [...IN_ENGLISH, 'sudo', '-n', '--', ...argv], preamble: '' };
    case 'sudo_password':
      return {
        argv: [...IN_ENGLISH, 'sudo', '-k', '-S', '-p', '', '--', ...argv],
        preamble: `${root.password}\n`,
      };
  }
}

/** Starts a program as root; what is written to its standard input afterwards is the program's. */
export async function execAsRoot(
  host: RemoteHost,
  root: Root,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<RemoteProcess> {
  const { argv: command, preamble } = wrap(root, argv);
  const process = await host.exec(command, signal);
  process.stdin.on('error', () => undefined);
  if (preamble !== '') process.stdin.write(preamble);
  return process;
}

export async function runAsRoot(
  host: RemoteHost,
  root: Root,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<Output> {
  const { argv: command, preamble } = wrap(root, argv);
  return run(host, command, signal, preamble);
}

/**
 * Finds the way to root that asks least. `probe` is a harmless run of the program that root is wanted for: sudo may
 * allow that one alone.
 */
export async function findRoot(
  host: RemoteHost,
  login: { readonly uid: number; readonly user: string },
  probe: readonly string[],
  prompts: Prompts,
  signal: AbortSignal,
): Promise<Root> {
  if (login.uid === 0) return { kind: 'already' };
  if ((await run(host, script('command -v sudo'), signal)).exit.code !== 0)
    throw new RemoteError(
      'sudo_missing',
      `${login.user} is not root on ${host.name}, and sudo is not installed there.`,
      'Log in as root (root@host), or have sudo installed.',
    );
  const without = await runAsRoot(host, { kind: 'sudo' }, probe, signal);
  if (without.exit.code === 0) return { kind: 'sudo' };
  if (!/password/i.test(without.stderr)) throw refusedBy(host, login.user, without.stderr);

  let stderr = '';
  for (let attempt = 0; attempt < PASSWORD_TRIES; attempt++) {
    const password = await prompts.sudoPassword({ user: login.user, host: host.name, again: attempt > 0 });
    if (password === undefined || signal.aborted) throw cancelled();
    const root: Root = { kind: 'sudo_password', password };
    const answer = await runAsRoot(host, root, probe, signal);
    if (answer.exit.code === 0) return root;
    stderr = answer.stderr;
    if (!/try again|incorrect|no password was provided/i.test(stderr)) break;
  }
  throw refusedBy(host, login.user, stderr);
}

function refusedBy(host: RemoteHost, user: string, stderr: string): RemoteError {
  return new RemoteError(
    'sudo_refused',
    `sudo on ${host.name} does not let ${user} become root${inBrackets(stderr)}.`,
    'Recording needs root for the few seconds it lasts: ask for a sudo rule for this user, or log in as root.',
  );
}
