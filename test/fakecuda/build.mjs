// Builds the stand-in CUDA libraries into test/build/fakecuda/ with gcc alone. The flags make what the genuine x86_64
// libraries have and probes depend on: every export begins with `push %rbp` (the kernel emulates that instruction under
// a uprobe, and single-steps most others), keeps its frame pointer, and calls the driver instead of jumping to it.
// endbr64/ holds a libcudart.so.12 whose exports begin with `endbr64; push %rbp`, as distributions compile.
//
//   node test/fakecuda/build.mjs

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'build', 'fakecuda');

const common = [
  '-std=gnu11',
  '-O2',
  '-g',
  '-fPIC',
  '-shared',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wno-unused-parameter',
  '-fvisibility=hidden',
  '-fno-plt',
  '-pthread',
  '-Wl,-z,now',
  '-Wl,--no-undefined',
];
const frames = [
  '-fno-omit-frame-pointer',
  '-fno-optimize-sibling-calls',
  '-fno-shrink-wrap',
  '-fno-schedule-insns2',
];

const newest = paths =>
  Math.max(...paths.map(path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0));

const cudart = (version, api, folder, protection) => {
  const soname = `libcudart.so.${version}`;
  const map = join(out, `${soname}.map`);
  return {
    output: join(out, folder, soname),
    before: () => writeFileSync(map, `${soname} { global: cuda*; __cuda*; local: *; };\n`),
    args: [
      join(here, 'runtime.c'),
      `-DRUNTIME_VERSION=${api}`,
      `-fcf-protection=${protection}`,
      ...frames,
      `-Wl,-soname,${soname}`,
      `-Wl,--version-script=${map}`,
      folder ? '-Wl,-rpath,$ORIGIN/..' : '-Wl,-rpath,$ORIGIN',
      join(out, 'libfakecuda.so'),
      '-ldl',
    ],
  };
};

const libraries = [
  {
    output: join(out, 'libfakecuda.so'),
    args: [join(here, 'control.c'), '-Wl,-soname,libfakecuda.so'],
  },
  {
    output: join(out, 'libcuda.so.1'),
    args: [
      join(here, 'driver.c'),
      '-fcf-protection=none',
      ...frames,
      '-Wl,-soname,libcuda.so.1',
      '-Wl,-rpath,$ORIGIN',
      join(out, 'libfakecuda.so'),
    ],
  },
  {
    output: join(out, 'libnccl.so.2'),
    args: [join(here, 'nccl.c'), '-fcf-protection=none', ...frames, '-Wl,-soname,libnccl.so.2'],
  },
  cudart(12, 12090, '', 'none'),
  cudart(13, 13050, '', 'none'),
  cudart(12, 12090, 'endbr64', 'full'),
];

/** Builds what is older than its sources; returns the folder of the libraries. */
export const buildFakeCuda = () => {
  mkdirSync(join(out, 'endbr64'), { recursive: true });
  const sources = newest(readdirSync(here).map(name => join(here, name)));
  for (const { output, before, args } of libraries) {
    if (newest([output]) > sources) continue;
    before?.();
    execFileSync('gcc', [...common, '-o', output, ...args], { stdio: 'inherit' });
  }
  return out;
};

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  console.log(buildFakeCuda());
