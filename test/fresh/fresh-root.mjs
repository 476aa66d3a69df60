// Proves the two commands where nothing is installed: an empty Debian 12 root (debootstrap) with git, Node and npm added,
// a clone of this checkout's HEAD in it, and the commands given, each with its wall time. Needs root and debootstrap.
//
//   node test/fresh/fresh-root.mjs FOLDER [--keep] -- COMMAND...      e.g. -- 'npm run demo -- --no-open' 'npm test'
//
// The root borrows this machine's apt, npm and certificate settings, so that it reaches the same registries, and its
// kernel: /proc, /sys and /dev are bound.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { mirror } from '../../scripts/lib/debian.mjs';
import { root as checkout, main, run, seconds, Told } from '../../scripts/lib/shell.mjs';

const mounts = ['proc', 'sys', 'dev', 'dev/pts', 'dev/shm', 'run'];

/** Settings of this machine that say where packages come from. */
const settings = [
  '/etc/apt',
  '/etc/ssl/certs',
  '/usr/share/ca-certificates',
  '/usr/local/share/ca-certificates',
  '/usr/share/keyrings',
  '/etc/resolv.conf',
  '/etc/hosts',
  join(homedir(), '.npmrc'),
  join(homedir(), '.cargo', 'config.toml'),
];

function make(folder) {
  if (existsSync(join(folder, 'etc', 'debian_version'))) return;
  run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', folder, mirror()], {
    show: true,
  });
  for (const path of settings) {
    if (!existsSync(path)) continue;
    const to = join(folder, path.replace(homedir(), '/root'));
    mkdirSync(join(to, '..'), { recursive: true });
    rmSync(to, { recursive: true, force: true });
    run('cp', ['-a', path, to]);
  }
}

/** Node and npm of this machine: Debian 12 has Node 18 only, which is too old. */
function copyNode(folder) {
  const npm = join(realpathSync(run('which', ['npm']).trim()), '..', '..');
  const modules = join(folder, 'usr', 'lib', 'node_modules');
  mkdirSync(modules, { recursive: true });
  run('cp', ['-a', realpathSync(process.execPath), join(folder, 'usr', 'bin', 'node')]);
  run('cp', ['-a', npm, join(modules, 'npm')]);
  for (const name of ['npm', 'npx']) {
    run('ln', ['-sf', `../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, 'usr', 'bin', name)]);
  }
}

/** Where this machine's programs look for certificates, when its environment says so. */
const certificates = () =>
  Object.entries(process.env).flatMap(([name, value]) =>
    /^(SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|CARGO_HTTP_CAINFO|npm_config_cafile)$/.test(name)
      ? [`${name}=${value}`]
      : [],
  );

/** A command in the root, shown as it goes. */
function inside(folder, command) {
  const environment = [
    'HOME=/root',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'LANG=C.UTF-8',
    'CI=true',
    ...certificates(),
  ];
  return spawnSync('chroot', [folder, '/usr/bin/env', '-i', ...environment, 'bash', '-c', command], {
    stdio: 'inherit',
  }).status;
}

function mountAll(folder) {
  // A root is a mount, as on a machine: what makes mount namespaces in it relies on that.
  if (spawnSync('mountpoint', ['-q', folder]).status !== 0) run('mount', ['--bind', folder, folder]);
  for (const path of mounts) {
    mkdirSync(join(folder, path), { recursive: true });
    if (spawnSync('mountpoint', ['-q', join(folder, path)]).status !== 0) {
      if (path === 'run') run('mount', ['-t', 'tmpfs', 'tmpfs', join(folder, path)]);
      else run('mount', [path === 'sys' ? '--rbind' : '--bind', `/${path}`, join(folder, path)]);
    }
  }
  run('mount', ['--make-rslave', join(folder, 'sys')]);
}

function unmountAll(folder) {
  for (const path of [...mounts].reverse()) spawnSync('umount', ['-R', '-l', join(folder, path)]);
  spawnSync('umount', ['-l', folder]);
}

await main(async () => {
  const at = process.argv.indexOf('--');
  const [folder, ...options] = process.argv.slice(2, at < 0 ? undefined : at);
  const commands = at < 0 ? [] : process.argv.slice(at + 1);
  if (!folder?.startsWith('/') || commands.length === 0)
    throw new Told('usage: fresh-root.mjs /FOLDER [--keep] -- COMMAND...');
  make(folder);
  mountAll(folder);
  const times = [];
  let failed = false;
  try {
    const packages =
      'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends git';
    if (inside(folder, packages) !== 0) throw new Told('git could not be installed in the root');
    copyNode(folder);
    if (inside(folder, 'npm --version && node --version') !== 0) throw new Told('the root has no npm');
    const source = join(folder, 'root', 'source.git');
    rmSync(source, { recursive: true, force: true });
    run('git', ['clone', '-q', '--bare', checkout, source]);
    if (inside(folder, 'cd /root && rm -rf wakechain && git clone -q source.git wakechain') !== 0)
      throw new Told('git clone failed');
    for (const command of commands) {
      const begin = Date.now();
      const status = inside(folder, `cd /root/wakechain && ${command}`);
      times.push(
        `${command}: ${status === 0 ? 'done' : `ended with ${status}`} in ${seconds(Date.now() - begin)}`,
      );
      if (status !== 0) {
        failed = true;
        break;
      }
    }
  } finally {
    unmountAll(folder);
    if (!options.includes('--keep') && !failed) rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\n${times.join('\n')}`);
  return failed ? 1 : 0;
});
