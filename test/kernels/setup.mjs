// Debian's kernels of other versions than this machine's, and what a guest needs beside them, unpacked under out/kernels/.
// They come from the Debian mirror that this machine's apt uses, through package lists of our own: nothing is installed,
// and no root is needed. Plain Node 20, no dependencies.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mirror } from '../../scripts/lib/debian.mjs';
import { root, run, Told } from '../../scripts/lib/shell.mjs';

export const folder = join(root, 'out', 'kernels');

/** Name, Debian's architecture, and the suite that has this version; the package's own name changes with each update. */
export const kernels = [
  { name: '6.1-amd64', architecture: 'amd64', suite: 'bookworm' },
  { name: '6.12-amd64', architecture: 'amd64', suite: 'bookworm-backports' },
  { name: '6.1-arm64', architecture: 'arm64', suite: 'bookworm' },
  { name: '6.12-arm64', architecture: 'arm64', suite: 'bookworm-backports' },
];

/** Fetches and unpacks what is not there yet of `wanted` (names). Throws a Told error where a mirror lacks it. */
export function ensureKernels(wanted) {
  for (const kernel of kernels.filter(({ name }) => wanted.includes(name))) {
    const { name, architecture, suite } = kernel;
    unpack(name, architecture, suite, () => imagePackage(architecture, suite));
    unpack(`busybox-${architecture}`, architecture, 'bookworm', () => 'busybox-static');
    if (architecture === 'arm64') unpack('libc-arm64', 'arm64', 'bookworm', () => 'libc6');
  }
}

/** The package that linux-image-ARCHITECTURE stands for in that suite. */
function imagePackage(architecture, suite) {
  const depends = run('apt-cache', [
    ...settings(architecture, suite),
    'depends',
    `linux-image-${architecture}:${architecture}`,
  ]);
  const found = depends.match(/Depends: (linux-image-\S+?)(?::\w+)?$/m)?.[1];
  if (found === undefined) throw new Told(`no linux-image-${architecture} in ${suite}`);
  return found;
}

function unpack(name, architecture, suite, packageName) {
  const to = join(folder, name);
  if (existsSync(to)) return;
  const partial = `${to}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  refresh(architecture, suite);
  const wanted = `${packageName()}:${architecture}`;
  console.error(`set-up: apt-get download: ${wanted} of ${suite}`);
  run('apt-get', [...settings(architecture, suite), 'download', '-qq', wanted], { cwd: partial });
  const file = readdirSync(partial).find(entry => entry.endsWith('.deb'));
  if (file === undefined) throw new Told(`apt-get brought no package ${wanted}`);
  run('dpkg-deb', ['-x', file, 'root'], { cwd: partial });
  renameSync(join(partial, 'root'), to);
  rmSync(partial, { recursive: true, force: true });
}

const refreshed = new Set();

function refresh(architecture, suite) {
  const key = `${suite}-${architecture}`;
  if (refreshed.has(key)) return;
  refreshed.add(key);
  const apt = join(folder, 'apt', key);
  for (const part of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(apt, part), { recursive: true });
  writeFileSync(
    join(apt, 'sources.list'),
    `deb [arch=${architecture} signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror()} ${suite} main\n`,
  );
  run('apt-get', [...settings(architecture, suite), 'update', '-qq']);
}

/** apt with lists of our own, of one suite and architecture. */
function settings(architecture, suite) {
  const apt = join(folder, 'apt', `${suite}-${architecture}`);
  return [
    `Dir::Etc::sourcelist=${join(apt, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(apt, 'lists')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    `APT::Architectures::=${architecture}`,
    'APT::Sandbox::User=root',
  ].flatMap(option => ['-o', option]);
}
