// NVIDIA's own runtime libraries and headers, from their PyPI packages: fetched once into the test build folder. The
// driver is in no package, so its prototypes make a stand-in that exports every one of them and does nothing.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './programs.ts';

const folder = join(root, 'test', 'build', 'genuine');

export interface Genuine {
  readonly library: string;
  /** cuda_runtime_api.h and cuda.h, comments removed. */
  readonly runtimeHeader: string;
  readonly driverHeader: string;
}

const packages = {
  12: 'nvidia-cuda-runtime-cu12==12.9.79',
  13: 'nvidia-cuda-runtime==13.5.37',
} as const;

/** The runtime of a CUDA version; a reason where it cannot be had. */
export function genuineRuntime(major: 12 | 13): Genuine | { readonly reason: string } {
  const place = join(folder, String(major));
  if (!existsSync(place)) {
    const partial = `${place}.${process.pid}.partial`;
    mkdirSync(partial, { recursive: true });
    try {
      const wanted = ['--no-deps', '--only-binary', ':all:', '--platform', 'manylinux2014_x86_64'];
      execFileSync('python3', ['-m', 'pip', 'download', '-q', ...wanted, '-d', partial, packages[major]], {
        stdio: 'pipe',
        timeout: 120_000,
      });
      for (const wheel of readdirSync(partial))
        execFileSync('python3', ['-m', 'zipfile', '-e', join(partial, wheel), partial]);
      renameSync(partial, place);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      const words = error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : String(error);
      return { reason: `${packages[major]} cannot be fetched: ${words}` };
    }
  }
  const files = readdirSync(place, { recursive: true, encoding: 'utf8' });
  const find = (name: string): string => {
    const path = files.find(file => file.endsWith(`/${name}`));
    if (path === undefined) throw new Error(`${packages[major]} has no ${name}`);
    return join(place, path);
  };
  const header = (name: string): string =>
    readFileSync(find(name), 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, ' ')
      .replace(/\/\/.*/g, '');
  return {
    library: find(`libcudart.so.${major}`),
    runtimeHeader: header('cuda_runtime_api.h'),
    driverHeader: header('cuda.h'),
  };
}

export interface Parameter {
  readonly type: string;
  readonly name: string;
}

/** Prototypes by name. Where a name has several, the last: the one that it has without the header's renaming. */
export function prototypes(header: string, marker: string): Map<string, readonly Parameter[]> {
  const found = new Map<string, readonly Parameter[]>();
  for (const [, name = '', list = ''] of header.matchAll(
    new RegExp(`${marker}\\s+(\\w+)\\s*\\(([^;{]*?)\\)\\s*;`, 'g'),
  ))
    found.set(
      name,
      list
        .replace(/__dv\([^)]*\)/g, '')
        .split(',')
        .map(text =>
          text
            .replace(/\b(const|enum|struct)\b/g, ' ')
            .replace(/\s+/g, ' ')
            .trim(),
        )
        .filter(text => text !== '' && text !== 'void')
        .map(text => {
          const [, type = text, name = ''] = /^(.*?[\s*])(\w+)$/.exec(text) ?? [];
          return { type: type.replace(/\s+/g, ''), name };
        }),
    );
  return found;
}

/** A driver that exports these functions: each begins as the genuine ones do, and returns 0. */
export function buildSilentDriver(names: readonly string[], into: string): string {
  mkdirSync(into, { recursive: true });
  const source = join(into, 'libcuda.S');
  const library = join(into, 'libcuda.so.1');
  const code = names.map(
    name =>
      `.globl ${name}\n.type ${name},@function\n${name}: push %rbp\n mov %rsp,%rbp\n xor %eax,%eax\n pop %rbp\n ret\n.size ${name},.-${name}\n`,
  );
  writeFileSync(source, `.text\n${code.join('')}.section .note.GNU-stack,"",@progbits\n`);
  execFileSync('gcc', ['-shared', '-Wl,-soname,libcuda.so.1', '-o', library, source]);
  return library;
}
