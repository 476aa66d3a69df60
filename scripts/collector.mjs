// Builds the collector into dist/collector/: one static binary a processor, by Debian's own Rust (rustup's
// cannot use Debian's standard library for arm64). Plain Node 20, no dependencies. Cargo knows what is fresh.
//
//   node scripts/collector.mjs [--quick]
//
// --quick builds for this processor only, as the collector's own tests do, by any cargo that is new enough.

import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { found, main, root, run, seconds, Told } from './lib/shell.mjs';

/** rusqlite asks for the newest of our dependencies. */
const OLDEST_RUST = [1, 89];
const LARGEST_BYTES = 8e6;

const processors = {
  x64: 'x86_64-unknown-linux-gnu',
  arm64: 'aarch64-unknown-linux-gnu',
};
const workspace = join(root, 'collector');
/** Where cargo puts what a profile makes. `dev` is what the collector's own tests are built with: one build for both. */
const folders = { dev: 'debug', release: 'release' };

/** Where a processor's collector is put. `arch` as process.arch says it. */
export const collectorPath = arch => join(root, 'dist', 'collector', `linux-${arch}`, 'wakechain-collector');

/** Builds both processors' collectors, or with `quick` this one's; resolves with their paths. */
export async function buildCollector({ quick = false } = {}) {
  if (process.platform !== 'linux')
    throw new Told(
      `The collector is built on Linux; this is ${process.platform}. The rest builds here: npm run build -- --no-collector`,
    );
  if (!(process.arch in processors))
    throw new Told(`The collector is for x86_64 and aarch64; this machine is ${process.arch}.`);
  if (!quick && process.arch !== 'x64')
    throw new Told(
      'Both collectors are built on an x86_64 machine. Here this one is: npm run build -- --quick',
    );
  const rust = quick ? anyRust() : debianRust();
  const profile = quick ? 'dev' : 'release';
  return (quick ? [process.arch] : Object.keys(processors)).map(arch => buildFor(arch, profile, rust));
}

/** How to run cargo in the collector's workspace: for `run` and `runLive`. */
export function cargoCommand(rust = anyRust()) {
  // RUSTFLAGS of the environment would replace those of collector/.cargo/config.toml, crt-static among them.
  const { RUSTFLAGS: _, ...environment } = process.env;
  return { program: rust.cargo, options: { cwd: workspace, env: { ...environment, ...rust.environment } } };
}

function cargo(args, { rust, show }) {
  const { program, options } = cargoCommand(rust);
  return run(program, args, { ...options, show });
}

function buildFor(arch, profile, rust) {
  const begin = Date.now();
  const target = processors[arch];
  const args = ['build', '--locked', '--package', 'wakechain-cli', '--profile', profile, '--target', target];
  cargo(args, { rust, show: true });
  const path = collectorPath(arch);
  place(join(workspace, 'target', target, folders[profile], 'wakechain-collector'), path, {
    strip: profile === 'dev',
  });
  const { size } = statSync(path);
  if (profile === 'release' && size > LARGEST_BYTES)
    throw new Told(`${path} has ${size} bytes: more than the ${LARGEST_BYTES} that are allowed.`);
  console.error(
    `collector for ${arch}: ${(size / 1e6).toFixed(1)} MB in ${seconds(Date.now() - begin)} (${profile})`,
  );
  return path;
}

/** Puts the file there in one step, even while the old one runs; leaves what is there alone when it is the same. */
function place(from, to, { strip }) {
  mkdirSync(dirname(to), { recursive: true });
  const partial = `${to}.${process.pid}.partial`;
  copyFileSync(from, partial);
  if (strip) run('strip', [partial]);
  if (existsSync(to) && readFileSync(to).equals(readFileSync(partial))) rmSync(partial);
  else renameSync(partial, to);
}

/** A rustup toolchain that stands before /usr/bin must not compile what Debian's cargo builds. */
const debian = {
  cargo: '/usr/bin/cargo',
  environment: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', RUSTC: '/usr/bin/rustc' },
};

function debianRust() {
  const problem = problemOf(debian);
  if (problem) throw new Told(`${problem}: install cargo-web and rustc-web, or run scripts/setup.mjs.`);
  return debian;
}

function anyRust() {
  if (!problemOf(debian)) return debian;
  const own = { cargo: 'cargo', environment: {} };
  const problem = problemOf(own);
  if (problem) throw new Told(`${problem}: install cargo-web and rustc-web, or a toolchain by rustup.`);
  return own;
}

/** Why this cargo will not do; undefined when it will. */
function problemOf({ cargo, environment }) {
  if (!found(cargo)) return `${cargo} is not installed`;
  const version = run(cargo, ['--version'], { cwd: '/', env: { ...process.env, ...environment } });
  const [major = 0, minor = 0] = (version.match(/(\d+)\.(\d+)/) ?? []).slice(1).map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_RUST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `${version.trim()} is too old (${OLDEST_RUST.join('.')} or newer is needed)`;
}

if (process.argv[1]?.endsWith('collector.mjs')) {
  await main(async () => {
    const options = process.argv.slice(2);
    const unknown = options.filter(option => option !== '--quick');
    if (unknown.length > 0) throw new Told(`unknown option ${unknown.join(', ')}; there is --quick`);
    await buildCollector({ quick: options.includes('--quick') });
  });
}
