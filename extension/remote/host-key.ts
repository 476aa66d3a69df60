// Decides about the key that a host shows, before anything secret is sent to it: known goes on, unknown asks,
// changed and revoked refuse. There is no way round it; StrictHostKeyChecking can only make it stricter
// (`yes`: unknown refuses) or answer "unknown" with yes (`accept-new`).

import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SshSettings } from './config.ts';
import { RemoteError } from './errors.ts';
import {
  fingerprint,
  judge,
  type KnownHost,
  keyTypeOf,
  knownHostsLine,
  knownKeyTypes,
  lookupName,
  parseKnownHosts,
} from './known-hosts.ts';
import type { Prompts } from './prompts.ts';

/** ssh2's own preference, restated: what is known goes before the rest. */
const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;

type HostKeyAlgorithm = (typeof HOST_KEY_ALGORITHMS)[number];

export interface HostKeyCheck {
  /** What to ask the host for, best first. */
  readonly algorithms: HostKeyAlgorithm[];
  /** Resolves when the key may be trusted; else rejects with the reason. */
  verify(key: Buffer): Promise<void>;
}

/** Reads what is known about a host. `trustFile`: known_hosts of our own, where "remember" is written. */
export async function hostKeyCheck(
  settings: SshSettings,
  trustFile: string,
  prompts: Prompts,
): Promise<HostKeyCheck> {
  const files = [...settings.userKnownHostsFiles, ...settings.globalKnownHostsFiles, trustFile];
  const entries = (await Promise.all(files.map(readEntries))).flat();
  const name = settings.hostKeyAlias?.toLowerCase() ?? lookupName(settings.hostName, settings.port);
  return {
    algorithms: preferKnown(knownKeyTypes(entries, name)),
    verify: key => verify(entries, name, key, settings, trustFile, prompts),
  };
}

const algorithmsOf = (keyType: string): readonly string[] =>
  keyType === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [keyType];

function preferKnown(types: readonly string[]): HostKeyAlgorithm[] {
  const known = new Set(types.flatMap(algorithmsOf));
  return HOST_KEY_ALGORITHMS.toSorted((a, b) => Number(known.has(b)) - Number(known.has(a)));
}

async function readEntries(file: string): Promise<KnownHost[]> {
  try {
    return parseKnownHosts(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return [];
    // An entry that cannot be read may be the one that revokes the key.
    throw new RemoteError(
      'config',
      `The known hosts in ${file} cannot be read: ${String(error)}`,
      'Make the file readable for you, then try again.',
    );
  }
}

async function verify(
  entries: readonly KnownHost[],
  name: string,
  key: Buffer,
  settings: SshSettings,
  trustFile: string,
  prompts: Prompts,
): Promise<void> {
  const shown = fingerprint(key);
  const keyType = keyTypeOf(key) ?? 'unknown';
  const verdict = judge(entries, name, key);
  switch (verdict.kind) {
    case 'known':
      return;
    case 'revoked':
      throw new RemoteError(
        'host_key_revoked',
        `${name} shows a key that is revoked (${keyType} ${shown}; ${verdict.at.file}:${verdict.at.line}). Nothing was sent to it.`,
        'Ask the administrator of the host for its new key. Somebody else may be answering in its place.',
      );
    case 'changed':
      throw new RemoteError(
        'host_key_changed',
        `The key of ${name} has changed: it shows ${keyType} ${shown}, but ${verdict.at.file}:${verdict.at.line} knows another ${verdict.at.keyType} key. Nothing was sent to it.`,
        `Somebody may be answering in its place. If the host was set up anew, and its administrator confirms the fingerprint, remove that line (ssh-keygen -R "${name}" -f "${verdict.at.file}") and connect again.`,
      );
    case 'unknown':
      break;
  }
  if (settings.strictHostKeyChecking === 'yes')
    throw new RemoteError(
      'host_key_not_trusted',
      `${name} is not among the known hosts (it shows ${keyType} ${shown}), and StrictHostKeyChecking is "yes". Nothing was sent to it.`,
      'Add its key to known_hosts, or set StrictHostKeyChecking to "ask" for this host.',
    );
  const answer =
    settings.strictHostKeyChecking === 'accept-new'
      ? 'remember'
      : await prompts.trustHostKey({
          host: settings.hostName,
          port: settings.port,
          keyType,
          fingerprint: shown,
          remark: verdict.authority
            ? `${verdict.authority.file}:${verdict.authority.line} names an authority for this host, but certificates of hosts are not understood here: compare the fingerprint.`
            : undefined,
        });
  if (answer === undefined)
    throw new RemoteError(
      'host_key_not_trusted',
      `The key of ${name} (${keyType} ${shown}) was not trusted. Nothing was sent to it.`,
      "Compare the fingerprint with the one that the host's administrator names, then connect again.",
    );
  if (answer === 'remember') {
    await mkdir(dirname(trustFile), { recursive: true, mode: 0o700 });
    await appendFile(trustFile, knownHostsLine(name, key), { mode: 0o600 });
  }
}
