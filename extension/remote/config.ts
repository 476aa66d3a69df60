// What the SSH configuration says about one host. OpenSSH itself is asked (`ssh -G`), since Match, Include, tokens and
// defaults are its business; where it is not installed, ssh-config reads ~/.ssh/config, which covers Host blocks alone.
// `ssh -G` runs the commands of `Match exec`: callers do this in trusted workspaces only.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import SSHConfig from 'ssh-config';
import { RemoteError, untilAborted } from './errors.ts';
import type { Target } from './target.ts';
import { expandPath } from './tokens.ts';

export interface SshSettings {
  /** As typed or as in the configuration: what a person calls the host. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  /** Only these files' keys, not whatever else the agent holds. */
  readonly identitiesOnly: boolean;
  /** Socket (or pipe) of the agent; undefined: none. */
  readonly agent: string | undefined;
  readonly proxyJump: string | undefined;
  /** With its tokens; a shell line. */
  readonly proxyCommand: string | undefined;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly hostKeyAlias: string | undefined;
  readonly strictHostKeyChecking: 'yes' | 'ask' | 'accept-new';
  readonly connectTimeoutMs: number;
}

/** Where settings come from. */
export interface ConfigSource {
  /** Instead of ~/.ssh/config and the system's. */
  readonly configFile: string | undefined;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 20_000;
const WINDOWS_AGENT_PIPE = '\\\\.\\pipe\\openssh-ssh-agent';

export const userConfigFile = (source: ConfigSource): string =>
  source.configFile ?? join(homedir(), '.ssh', 'config');

export async function readSettings(
  target: Target,
  source: ConfigSource,
  signal: AbortSignal,
): Promise<SshSettings> {
  const options = (await askOpenSsh(target, source, signal)) ?? (await readConfigFile(target, source));
  return settingsFrom(target, options);
}

/** Keywords in lower case, each with all its values. */
export type Options = ReadonlyMap<string, readonly string[]>;

/** Undefined when OpenSSH is not installed. */
async function askOpenSsh(
  target: Target,
  source: ConfigSource,
  signal: AbortSignal,
): Promise<Options | undefined> {
  const args = [
    '-G',
    ...(source.configFile ? ['-F', source.configFile] : []),
    ...(target.port ? ['-p', String(target.port)] : []),
    ...(target.user ? ['-l', target.user] : []),
    '--',
    target.host,
  ];
  const answer = new Promise<string | undefined>((resolve, reject) => {
    execFile('ssh', args, { signal, timeout: 10_000 }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if (error.code === 'ENOENT') resolve(undefined);
      else
        reject(
          new RemoteError(
            'config',
            `OpenSSH cannot read the configuration of ${target.host}: ${stderr.trim() || error.message}`,
            `Mend ${userConfigFile(source)}; "ssh -G ${target.host}" shows the same error.`,
          ),
        );
    });
  });
  const stdout = await untilAborted(answer, signal);
  return stdout === undefined ? undefined : parseOptions(stdout);
}

/** The flat output of `ssh -G`: `keyword value`, one a line, repeated for lists. */
export function parseOptions(text: string): Options {
  const options = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const space = line.indexOf(' ');
    if (space <= 0) continue;
    const keyword = line.slice(0, space).toLowerCase();
    options.set(keyword, [...(options.get(keyword) ?? []), line.slice(space + 1).trim()]);
  }
  return options;
}

async function readConfigFile(target: Target, source: ConfigSource): Promise<Options> {
  const text = await readFile(userConfigFile(source), 'utf8').catch(() => '');
  const computed = SSHConfig.parse(text).compute(target.host, { ignoreCase: true });
  const options = new Map<string, readonly string[]>();
  for (const [keyword, value] of Object.entries(computed))
    options.set(keyword.toLowerCase(), Array.isArray(value) ? value : [value]);
  if (target.user) options.set('user', [target.user]);
  if (target.port) options.set('port', [String(target.port)]);
  return options;
}

export function settingsFrom(target: Target, options: Options): SshSettings {
  const first = (keyword: string): string | undefined => {
    const value = options.get(keyword)?.[0];
    return value === undefined || value === '' || value.toLowerCase() === 'none' ? undefined : value;
  };
  const values = {
    alias: target.host,
    hostName: first('hostname')?.replaceAll('%h', target.host) ?? target.host,
    port: Number(first('port') ?? 22),
    user: first('user') ?? userInfo().username,
  };
  const paths = (keyword: string, fallback: readonly string[]): string[] =>
    (options.get(keyword) ?? fallback)
      .flatMap(value => value.split(' '))
      .filter(path => path !== '' && path.toLowerCase() !== 'none')
      .map(path => expandPath(path, values));
  const timeoutS = Number(first('connecttimeout') ?? 0);
  return {
    ...values,
    identityFiles: (options.get('identityfile') ?? DEFAULT_IDENTITIES)
      .filter(path => path.toLowerCase() !== 'none')
      .map(path => expandPath(path, values)),
    identitiesOnly: first('identitiesonly') === 'yes',
    agent: agentOf(options, values),
    proxyJump: first('proxyjump'),
    proxyCommand: first('proxycommand'),
    userKnownHostsFiles: paths('userknownhostsfile', ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
    globalKnownHostsFiles: paths('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts']),
    hostKeyAlias: first('hostkeyalias'),
    strictHostKeyChecking: strictness(first('stricthostkeychecking')),
    connectTimeoutMs: timeoutS > 0 ? timeoutS * 1000 : DEFAULT_CONNECT_TIMEOUT_MS,
  };
}

const DEFAULT_IDENTITIES = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'];

/** `no` and `off` mean to ask here: no setting of OpenSSH switches the check off. */
const strictness = (value: string | undefined): SshSettings['strictHostKeyChecking'] =>
  value === 'yes' || value === 'true' ? 'yes' : value === 'accept-new' ? 'accept-new' : 'ask';

function agentOf(options: Options, values: Parameters<typeof expandPath>[1]): string | undefined {
  const named = options.get('identityagent')?.[0];
  if (named?.toLowerCase() === 'none') return undefined;
  if (named === undefined || named === 'SSH_AUTH_SOCK')
    return process.env['SSH_AUTH_SOCK'] ?? (process.platform === 'win32' ? WINDOWS_AGENT_PIPE : undefined);
  return named.startsWith('$') && !named.startsWith('${')
    ? process.env[named.slice(1)]
    : expandPath(named, values);
}
