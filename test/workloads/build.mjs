// Builds the workloads, and those of the stories (stories/), into test/build/workloads/ with gcc alone, after the stand-in CUDA libraries that they call.
// They find those beside them ($ORIGIN/../fakecuda); LD_LIBRARY_PATH puts another folder before it, such as endbr64/.
//
//   node test/workloads/build.mjs

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFakeCuda } from '../fakecuda/build.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'build', 'workloads');

const flags = [
  '-std=gnu11',
  '-D_GNU_SOURCE',
  '-O2',
  '-g',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fno-omit-frame-pointer',
  '-fcf-protection=none',
  '-pthread',
  '-rdynamic',
  '-Wl,--build-id',
];

const modified = path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Builds what is older than its sources; returns the folder of the programs. */
export const buildWorkloads = () => {
  const libraries = buildFakeCuda();
  mkdirSync(out, { recursive: true });
  const sources = readdirSync(here, { recursive: true });
  const shared = Math.max(
    ...sources.filter(name => /\.(h|mjs)$/.test(name)).map(name => modified(join(here, name))),
    ...['libcudart.so.12', 'libfakecuda.so'].map(name => modified(join(libraries, name))),
  );
  for (const source of sources.filter(name => name.endsWith('.c'))) {
    const program = join(out, source.slice(0, -2));
    if (modified(program) > Math.max(shared, modified(join(here, source)))) continue;
    mkdirSync(dirname(program), { recursive: true });
    const linked = [join(libraries, 'libcudart.so.12'), join(libraries, 'libfakecuda.so')];
    const up = source.includes('/') ? '../../fakecuda' : '../fakecuda';
    const path = ['-Wl,--as-needed', `-Wl,-rpath,$ORIGIN/${up}`];
    execFileSync('gcc', [...flags, '-o', program, join(here, source), ...path, ...linked], {
      stdio: 'inherit',
    });
  }
  return out;
};

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  console.log(buildWorkloads());
