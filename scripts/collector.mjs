// Builds the collector into dist/collector/: one static binary a processor, by Debian's own Rust (rustup's
// cannot use Debian's standard library for arm64). Plain Node 20, no dependencies. Cargo knows what is fresh.
//
//   node scripts/collector.mjs [--quick]
//
// --quick builds for this processor only, as the collector's own tests do, by any cargo that is new enough.

import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readArguments } from './lib/arguments.mjs';
import { anyRust, debianRust } from './lib/cargo.mjs';
import { main, root, run, seconds, Told } from './lib/shell.mjs';

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

/**
 * Builds both processors' collectors as they are shipped, or with `quick` this one's, without optimisation across crates
 * unless `release`; resolves with their paths.
 */
export async function buildCollector({ quick = false, release = !quick } = {}) {
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
  const profile = release ? 'release' : 'dev';
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

if (process.argv[1]?.endsWith('collector.mjs')) {
  await main(async () => {
    const { values } = readArguments({
      usage:
        'Usage: node scripts/collector.mjs [--quick]\n\n  --quick   for this processor only, as the tests use it',
      options: { quick: { type: 'boolean' } },
    });
    await buildCollector({ quick: values.quick });
  });
}
