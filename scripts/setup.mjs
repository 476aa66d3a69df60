// Installs what a checkout needs and this machine lacks, by part: says what, and by which package, then does it with
// npm and apt-get. A second run finds nothing to do and takes well under 2 s. Plain Node 20, no dependencies.
//
//   node scripts/setup.mjs [node] [collector] [rust] [arm64] [browser] [ssh] [oracles] [vscode] [kernels] [kernels-arm64]
//                                                                                                        (default: all)

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './lib/arguments.mjs';
import { hasRust } from './lib/cargo.mjs';
import { asRoot, found, main, node24, root, run, seconds, Told } from './lib/shell.mjs';

/** Both processors' collectors are built by Debian's own Rust: it has the standard library of either. */
const DEBIAN_RUST = ['cargo-web', 'libstd-rust-web-dev', 'rustc-web'];

/** Debian's packages for each part. */
const packages = {
  collector: [
    'ca-certificates',
    'clang-19',
    'gcc',
    'libc6-dev',
    'libelf-dev',
    'make',
    'pkg-config',
    'zlib1g-dev',
  ],
  // Left out where a cargo that is new enough is there, whoever brought it.
  rust: DEBIAN_RUST,
  arm64: [
    ...DEBIAN_RUST,
    'gcc-aarch64-linux-gnu',
    'libc6-dev-arm64-cross',
    'libelf-dev:arm64',
    'libstd-rust-web-dev:arm64',
    'qemu-user',
    'zlib1g-dev:arm64',
  ],
  browser: ['chromium', 'fonts-dejavu-core'],
  ssh: ['openssh-client', 'openssh-server', 'procps', 'sudo'],
  oracles: ['bpftool', 'bpftrace', 'libbpf-tools', 'linux-perf', 'python3', 'python3-pip'],
  kernels: ['cpio', 'qemu-system-x86'],
  'kernels-arm64': ['qemu-system-arm'],
  vscode: ['g++', 'libkrb5-dev', 'libsecret-1-dev', 'make', 'pkg-config', 'procps', 'python3'],
};

const parts = ['node', ...Object.keys(packages)];

/** What a part of the tests or a command needs. */
export const needs = {
  build: ['node', 'collector', 'arm64'],
  quick: ['node', 'collector', 'rust'],
};

/** Makes the named parts ready. Throws a Told error that says what to do by hand where it cannot. */
export async function ensure(wanted) {
  if (wanted.includes('node')) ensureNode();
  ensurePackages(wanted.filter(part => part in packages && !(part === 'rust' && hasRust())));
  if (wanted.includes('vscode')) {
    const { ensureVscodeServer } = await import('../test/vscode/setup.mjs');
    await ensureVscodeServer();
  }
}

function ensureNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    throw new Told(`Node ${process.versions.node} is too old: Wakechain's checkout needs Node 20 or newer.`);
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.wakechain-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock && existsSync(node24)) return;
  announce('the packages of package-lock.json, Node 24 among them', 'npm ci');
  // --include=dev: a NODE_ENV=production in the environment must not leave the compiler out.
  run('npm', ['ci', '--include=dev', '--no-fund', '--no-audit'], {
    env: { ...process.env, npm_config_yes: 'true' },
  });
  if (!existsSync(node24))
    throw new Told('npm ci brought no Node 24 (package "node"): are its install scripts allowed?');
  writeFileSync(stamp, lock);
}

function ensurePackages(wanted) {
  const names = [...new Set(wanted.flatMap(part => packages[part]))];
  if (names.length === 0) return;
  if (!found('dpkg-query')) {
    throw new Told(
      `This set-up knows Debian (and its relatives) only. Install by hand what these packages give: ${names.join(', ')}`,
    );
  }
  let missing = missingOf(names);
  if (missing.length === 0) return;
  announce(missing.join(', '), 'apt-get install');
  if (missing.some(name => name.endsWith(':arm64'))) apt('dpkg', ['--add-architecture', 'arm64']);
  apt('apt-get', ['update', '-qq']);
  apt('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing]);
  missing = missingOf(names);
  if (missing.length > 0)
    throw new Told(`apt-get did not install ${missing.join(', ')}; see its output above`);
}

/** Names that dpkg does not list as installed. An unknown architecture or package counts as missing. */
function missingOf(names) {
  let listed;
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
    listed = run('dpkg-query', ['-W', '-f', '${binary:Package} ${db:Status-Abbrev}\n']);
  } catch {
    return names;
  }
  const installed = new Set();
  for (const line of listed.split('\n')) {
    const [name, status] = line.split(' ');
    if (!status?.startsWith('ii')) continue;
    installed.add(name);
    installed.add(name.replace(/:(?!arm64$).*/, ''));
  }
  return names.filter(name => !installed.has(name));
}

function apt(command, args) {
  const [program, all] = asRoot(command, args);
  run(program, all, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}

function announce(what, how) {
  console.error(`set-up: ${how}: ${what}`);
}

const usage = `Usage: npm run setup -- [PART...]

Installs what a part of the checkout needs and this machine lacks, by npm and apt-get (as root or through sudo).
  PART   of ${parts.join(', ')}; all when left out`;

if (process.argv[1] === import.meta.filename || process.argv[1]?.endsWith('scripts/setup.mjs')) {
  await main(async () => {
    const { positionals: wanted } = readArguments({ usage, names: parts });
    const begin = Date.now();
    await ensure(wanted.length > 0 ? wanted : parts);
    console.error(`set-up: ready in ${seconds(Date.now() - begin)}`);
  });
}
