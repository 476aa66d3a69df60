// What a host is, asked before anything is put on it: system, processor, kernel, who we are there, where our cache may
// be. Answers stand behind a marker, so that a login shell which prints a greeting is noticed.

import { RemoteError } from '../remote/errors.ts';
import { type RemoteHost, run, script } from '../remote/host.ts';
import { inBrackets, plain } from '../remote/words.ts';

export interface HostFacts {
  /** As `uname -m` says; also the suffix of our collector's folder. */
  readonly machine: 'x64' | 'arm64';
  readonly kernel: string;
  readonly uid: number;
  readonly user: string;
  /** Absolute path of the user's cache directory, which need not exist. */
  readonly cache: string;
}

const MARKER = 'wakechain-facts';
const ASK = `echo ${MARKER}; uname -s; uname -m; uname -r; id -u; id -un; echo "\${XDG_CACHE_HOME:-$HOME/.cache}"`;

/** ring buffers, cookies for uprobes: what the probes cannot do without. */
const OLDEST_KERNEL: readonly [number, number] = [5, 15];

export async function askFacts(host: RemoteHost, signal: AbortSignal): Promise<HostFacts> {
  const { exit, stdout, stderr } = await run(host, script(ASK), signal);
  const lines = stdout.split('\n').map(line => line.trim());
  if (exit.code !== 0 || !lines.includes(MARKER))
    throw new RemoteError(
      'command',
      `${host.name} does not run a plain shell command${inBrackets(stderr)}.`,
      `"ssh ${host.name} uname -a" in a terminal should print one line.`,
    );
  if (lines[0] !== MARKER)
    throw new RemoteError(
      'command',
      `The shell start-up files on ${host.name} print text ("${plain(lines[0] ?? '', 80)}") that would end up inside copied files.`,
      'Let them print only in interactive shells (for bash: put the output behind "[ -t 1 ]").',
    );
  const [system, processor, kernel = '', uid, user = '', cache = ''] = lines.slice(1);
  if (system !== 'Linux')
    throw new RemoteError(
      'command',
      `${host.name} runs ${plain(system ?? 'something unknown', 40)}; traces can be captured on Linux alone.`,
      'Choose a Linux host with the GPU.',
    );
  const machine = processor === 'x86_64' ? 'x64' : processor === 'aarch64' ? 'arm64' : undefined;
  if (!machine)
    throw new RemoteError(
      'command',
      `${host.name} has a ${plain(processor ?? 'unknown', 40)} processor; the collector is built for x86_64 and aarch64.`,
    );
  const [major = 0, minor = 0] = kernel.split('.').map(Number.parseFloat);
  if (major < OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor < OLDEST_KERNEL[1]))
    throw new RemoteError(
      'command',
      `${host.name} runs kernel ${plain(kernel, 60)}; capturing needs ${OLDEST_KERNEL.join('.')} or newer.`,
      'Choose a host with a newer kernel.',
    );
  if (!/^\d+$/.test(uid ?? '') || user === '')
    throw new RemoteError(
      'command',
      `${host.name} does not say who we are there: "id -u" prints "${plain(uid ?? '', 40)}".`,
      `Look at what "ssh ${host.name} id" prints.`,
    );
  if (!cache.startsWith('/'))
    throw new RemoteError(
      'command',
      `${plain(user, 40)} has no home directory on ${host.name}.`,
      'Log in as another user.',
    );
  return { machine, kernel, uid: Number(uid), user, cache };
}
