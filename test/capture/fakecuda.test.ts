// The stand-in CUDA libraries are what probes take them for: names, versions and first instructions as in the genuine
// ones, and a runtime that really calls its driver.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { buildWorkloads, fakeCuda, root, workloads } from '../lib/programs.ts';

before(buildWorkloads);

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });

/** Exported functions: name -> its symbol version, '' for none. */
function exports(library: string): Map<string, string> {
  const lines = run('readelf', '--dyn-syms', '--wide', library).split('\n');
  const found = lines.map(line => / FUNC +GLOBAL DEFAULT +\d+ (\w+)(?:@@(\S+))?/.exec(line));
  return new Map(found.flatMap(match => (match?.[1] === undefined ? [] : [[match[1], match[2] ?? '']])));
}

/** The first two instructions of each function. */
function prologues(library: string): Map<string, string[]> {
  const blocks = run('objdump', '-d', '--no-show-raw-insn', library).split('\n\n');
  return new Map(
    blocks.flatMap(block => {
      const [head, ...lines] = block.split('\n');
      const name = /^[0-9a-f]+ <(\w+)>:/.exec(head ?? '')?.[1];
      const code = lines.slice(0, 2).map(line => (line.split('\t')[1] ?? '').replace(/\s+/g, ' ').trim());
      return name === undefined ? [] : [[name, code] as const];
    }),
  );
}

for (const { file, version, first } of [
  { file: 'libcudart.so.12', version: 'libcudart.so.12', first: ['push %rbp', 'mov %rsp,%rbp'] },
  { file: 'libcudart.so.13', version: 'libcudart.so.13', first: ['push %rbp', 'mov %rsp,%rbp'] },
  { file: 'libcuda.so.1', version: '', first: ['push %rbp', 'mov %rsp,%rbp'] },
  { file: 'endbr64/libcudart.so.12', version: 'libcudart.so.12', first: ['endbr64', 'push %rbp'] },
])
  test(`${file}: at least 60 exports, each of version "${version}", each beginning with ${first.join('; ')}`, () => {
    const library = join(fakeCuda, file);
    assert.match(run('readelf', '-d', library), new RegExp(`soname: \\[${file.split('/').at(-1)}\\]`));
    const functions = exports(library);
    const code = prologues(library);
    assert.ok(functions.size >= 60, `${functions.size} functions`);
    for (const [name, its] of functions) {
      assert.match(name, /^(__cuda|cuda|cu)[A-Z]/);
      assert.equal(its, version, name);
      assert.deepEqual(code.get(name), first, name);
    }
  });

test('every line of the tables is exported, and what CUDA 13 dropped only by libcudart.so.12', () => {
  const named = (table: string, macro: string): string[] =>
    [
      ...readFileSync(join(root, 'test', 'fakecuda', table), 'utf8').matchAll(
        new RegExp(`^${macro}\\((\\w+)`, 'gm'),
      ),
    ].map(match => match[1] ?? '');
  const [cuda12, cuda13, driver] = ['libcudart.so.12', 'libcudart.so.13', 'libcuda.so.1'].map(file =>
    exports(join(fakeCuda, file)),
  );
  for (const name of named('runtime.def', 'RT')) assert.ok(cuda12?.has(name) && cuda13?.has(name), name);
  for (const name of named('runtime.def', 'RT12')) assert.ok(cuda12?.has(name) && !cuda13?.has(name), name);
  for (const name of named('driver.def', 'DRV')) assert.ok(driver?.has(name), name);
});

const ctypes = (library: string, environment: Record<string, string> = {}) =>
  spawnSync(
    'python3',
    [join(root, 'test/workloads/calls_by_ctypes.py'), '--library', join(fakeCuda, library)],
    {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    },
  );

for (const library of ['libcudart.so.12', 'libcudart.so.13', 'endbr64/libcudart.so.12'])
  test(`${library}: a Python program calls it, and an error that was asked for in the driver comes back`, () => {
    const fine = ctypes(library);
    assert.equal(fine.status, 0, fine.stderr);
    assert.match(fine.stdout, /"function": "cudaMemcpyAsync", "count": 200, "bytes": 41369600/);
    const failing = ctypes(library, { FAKECUDA_RESULT: 'cuMemAlloc_v2=2' });
    assert.match(failing.stderr, /cudaMalloc returned error 2/);
  });

test('a latency asked for in the driver is spent inside the runtime call, and a wrong name is refused', () => {
  const calls = (latency: string) =>
    spawnSync(join(workloads, 'calls'), ['--count', '200'], {
      encoding: 'utf8',
      env: { ...process.env, FAKECUDA_LATENCY: latency },
    });
  for (const wait of ['spin', 'block']) {
    const slow = calls(`cuLaunchKernel=100us:${wait}`);
    const { call_ns } = JSON.parse(slow.stdout) as { call_ns: number };
    assert.ok(call_ns >= 100_000, slow.stdout);
  }
  const refused = calls('cudaLaunchKernal=1us');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /"cudaLaunchKernal=1us"; expected name=200us/);
});
