// Which cargo builds the collector. Plain Node 20, no dependencies.

import { found, run, Told } from './shell.mjs';

/** rusqlite asks for the newest of our dependencies. */
const OLDEST_RUST = [1, 89];

/** A rustup toolchain that stands before /usr/bin must not compile what Debian's cargo builds. */
const debian = {
  cargo: '/usr/bin/cargo',
  environment: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', RUSTC: '/usr/bin/rustc' },
};
/** The first on PATH: good for this processor, but rustup's cannot use Debian's standard library for arm64. */
const own = { cargo: 'cargo', environment: {} };

/** Debian's own, which builds for both processors. */
export function debianRust() {
  const problem = problemOf(debian);
  if (problem) throw new Told(`${problem}: install cargo-web and rustc-web, or run scripts/setup.mjs.`);
  return debian;
}

/** Any that is new enough, Debian's before others. */
export function anyRust() {
  if (!problemOf(debian)) return debian;
  const problem = problemOf(own);
  if (problem) throw new Told(`${problem}: install cargo-web and rustc-web, or a toolchain by rustup.`);
  return own;
}

export const hasRust = () => !problemOf(debian) || !problemOf(own);

/** Why this cargo will not do; undefined when it will. */
function problemOf({ cargo, environment }) {
  if (!found(cargo)) return `${cargo} is not installed`;
  let version;
  try {
    version = run(cargo, ['--version'], { cwd: '/', env: { ...process.env, ...environment } });
  } catch (error) {
    // rustup's proxy without a toolchain behind it
    if (error instanceof Told)
      return `${cargo} does not run (${error.message.split('\n')[1] ?? error.message})`;
    throw error;
  }
  const [major = 0, minor = 0] = (version.match(/(\d+)\.(\d+)/) ?? []).slice(1).map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_RUST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `${version.trim()} is too old (${OLDEST_RUST.join('.')} or newer is needed)`;
}
