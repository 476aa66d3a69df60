// The hosts that a person has named in ~/.ssh/config, for a list to choose from: Host lines with Include followed, in
// the order of the files. Patterns (wildcards, negations) name no host and are left out.

import { glob, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import SSHConfig from 'ssh-config';
import { type ConfigSource, userConfigFile } from './config.ts';
import { RemoteError } from './errors.ts';

/** As deep as OpenSSH follows Include. */
const INCLUDE_DEPTH = 16;

export async function configuredHosts(source: ConfigSource): Promise<string[]> {
  const hosts = new Set<string>();
  await addHosts(userConfigFile(source), hosts, new Set(), 0);
  return [...hosts];
}

async function addHosts(file: string, hosts: Set<string>, seen: Set<string>, depth: number): Promise<void> {
  if (depth > INCLUDE_DEPTH || seen.has(file)) return;
  seen.add(file);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  for (const { keyword, values } of directives(text, file)) {
    if (keyword === 'include')
      for (const pattern of values)
        for await (const included of glob(includePath(pattern)))
          await addHosts(included, hosts, seen, depth + 1);
    else for (const name of values) if (!/[*?!]/.test(name) && !name.startsWith('-')) hosts.add(name);
  }
}

/** Relative paths of Include are below ~/.ssh, whatever file they stand in (ssh_config(5), user configuration). */
const includePath = (pattern: string): string => {
  const path = pattern.replace(/^~(?=\/|$)/, homedir());
  return isAbsolute(path) ? path : join(homedir(), '.ssh', path);
};

interface Directive {
  readonly keyword: 'host' | 'include';
  readonly values: readonly string[];
}

function directives(text: string, file: string): Directive[] {
  try {
    return SSHConfig.parse(text).flatMap(line => ownAndNested(line));
  } catch (error) {
    throw new RemoteError(
      'config',
      `${file} cannot be read: ${String(error)}`,
      'Mend the file, then try again.',
    );
  }
}

type Line = SSHConfig[number];

function ownAndNested(line: Line): Directive[] {
  if (line.type !== SSHConfig.DIRECTIVE) return [];
  const nested = 'config' in line ? line.config.flatMap(inner => ownAndNested(inner)) : [];
  const keyword = line.param.toLowerCase();
  if (keyword !== 'host' && keyword !== 'include') return nested;
  const values = typeof line.value === 'string' ? line.value.split(/\s+/) : line.value.map(({ val }) => val);
  return [{ keyword, values: values.filter(value => value !== '') }, ...nested];
}
