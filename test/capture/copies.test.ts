// Every copy of the runtime that a target maps is probed, whatever its name is and whenever it comes: the hits of each
// copy's probes, and the rows, are as many as the program's own log says that it made calls.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCapture } from '../lib/capture.ts';
import { buildWorkloads, fakeCuda, Program, root, withFolder, workloads } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { type LogLine, parseLog } from '../lib/truth.ts';

const copies = join(workloads, 'copies');

interface Run {
  readonly folder: string;
  readonly trace: string;
  readonly log: string;
}

/** Builds what has the runtime linked in: this program, or a library that a framework would bring. */
function linkRuntime(output: string, library: boolean): string {
  const sources = [join(root, 'test/workloads/copies.c'), join(root, 'test/fakecuda/runtime.c')];
  const flags = [
    '-std=gnu11',
    '-D_GNU_SOURCE',
    '-O2',
    '-fno-omit-frame-pointer',
    '-fcf-protection=none',
    '-w',
  ];
  const names = `${output}.map`;
  writeFileSync(names, '{ global: copies_use; local: *; };\n');
  const shape = library ? ['-shared', '-fPIC', '-DLIBRARY', `-Wl,--version-script=${names}`] : [];
  const runtime = ['-DRUNTIME_VERSION=13050', '-fno-optimize-sibling-calls', '-pthread'];
  const found = [join(fakeCuda, 'libfakecuda.so'), `-Wl,-rpath,${fakeCuda}`, '-ldl'];
  execFileSync('gcc', [...flags, ...runtime, ...shape, '-o', output, ...sources, ...found]);
  return output;
}

/** The stand-ins in a folder of their own: other files than those that other programs map. */
function copyLibraries(into: string, runtime: string, name: string): string {
  mkdirSync(into, { recursive: true });
  for (const file of ['libcuda.so.1', 'libfakecuda.so']) copyFileSync(join(fakeCuda, file), join(into, file));
  copyFileSync(join(fakeCuda, runtime), join(into, name));
  return join(into, name);
}

async function ready(command: string, args: readonly string[]): Promise<Program> {
  const program = new Program(command, args);
  await program.line(line => (line.startsWith('ready ') ? true : undefined), 'line "ready"');
  return program;
}

/** Captures while the program makes its calls; `target`: by its own id, or everyone who uses CUDA. */
async function captureCalls(
  run: Run,
  target: 'pid' | 'all',
  start: () => Promise<Program>,
): Promise<readonly LogLine[]> {
  const capture = (pid: readonly string[]) =>
    startCapture([
      ...['--output', run.trace, '--overhead-percent', '0', '--duration', '60', '--control-stdin'],
      ...pid,
    ]);
  // Everyone: the program starts when the capture is on.
  const everyone = target === 'all' ? await capture(['--all']) : undefined;
  const program = await start();
  try {
    // `unshare` and the like become the program: the id stays.
    const { program: collector, finished } = everyone ?? (await capture(['--pid', String(program.pid)]));
    program.say('go');
    assert.equal(await program.ended, 0, program.words);
    collector.say('stop');
    const { line } = await finished;
    assert.equal(line['lost'], 0);
  } finally {
    program.kill();
    everyone?.program.say('stop');
  }
  return parseLog(readFileSync(run.log, 'utf8'));
}

/** Each probe of a copy: hits are the log's calls of that copy, every way out counted, and rows are those emitted. */
function compare(run: Run, log: readonly LogLine[], nameOf: (library: string) => string): void {
  const file = new TraceFile(run.trace);
  try {
    const made = log.filter(line => line.type === 'calls');
    assert.ok(made.length >= 2);
    const perCopy = new Map<string, number>();
    for (const line of made) {
      const key = `${nameOf(String(line['library']))}:${line['function']}`;
      perCopy.set(key, (perCopy.get(key) ?? 0) + Number(line['count']));
      const rows = file.number(
        `SELECT count(*) FROM cuda_calls WHERE pid = ${line['tid']} AND function = '${line['function']}'`,
      );
      const ofProcess = made.filter(
        other => other['tid'] === line['tid'] && other['function'] === line['function'],
      );
      const expected = ofProcess.reduce((sum, other) => sum + Number(other['count']), 0);
      assert.equal(rows, expected, `${line['function']} in process ${line['tid']}`);
    }
    for (const [target, count] of perCopy) {
      const probes = file.rows(
        "SELECT * FROM probe WHERE attached AND kind = 'uprobe' AND target = ?",
        target,
      );
      assert.equal(probes.length, 1, `${target}: ${probes.length} probes`);
      const { hits, emitted, merged, filtered, lost } = probes[0] ?? {};
      assert.deepEqual(
        { hits, emitted, merged, filtered, lost },
        { hits: count, emitted: count, merged: 0, filtered: 0, lost: 0 },
        target,
      );
    }
  } finally {
    file.close();
  }
}

async function withRun(use: (run: Run) => Promise<void>): Promise<void> {
  buildWorkloads();
  await withFolder(folder =>
    use({ folder, trace: join(folder, 'copies.wakechain.db'), log: join(folder, 'copies.log') }),
  );
}

const same = (library: string): string => library;

test('two copies at once, one of them named as wheels name theirs, with those of two children', async () => {
  await withRun(async run => {
    const first = copyLibraries(join(run.folder, 'wheel'), 'libcudart.so.12', 'libcudart-9335f6a2.so.12');
    const second = copyLibraries(join(run.folder, 'conda'), 'libcudart.so.13', 'libcudart.so.13');
    const args = ['--library', first, '--library', second, '--early', '--fork', '--exec', '--log', run.log];
    const log = await captureCalls(run, 'pid', () => ready(copies, [...args, '--wait-start']));
    compare(run, log, same);
  });
});

test('a copy whose file is deleted', async () => {
  await withRun(async run => {
    const library = copyLibraries(run.folder, 'libcudart.so.12', 'libcudart.so.12');
    const args = ['--library', library, '--early', '--remove', '--log', run.log, '--wait-start'];
    compare(run, await captureCalls(run, 'pid', () => ready(copies, args)), same);
  });
});

test('a copy in a mount namespace, where its path means nothing to us', async () => {
  await withRun(async run => {
    const inside = join(run.folder, 'inside');
    mkdirSync(inside);
    const library = join(inside, 'libcudart.so.13');
    const script = `mount -t tmpfs none ${inside} && cp ${fakeCuda}/lib* ${inside}/ && exec ${copies} --library ${library} --early --log ${run.log} --wait-start`;
    compare(run, await captureCalls(run, 'pid', () => ready('unshare', ['-m', 'sh', '-c', script])), same);
  });
});

for (const target of ['pid', 'all'] as const)
  test(`the runtime linked into a program, captured by --${target}`, async () => {
    await withRun(async run => {
      const program = linkRuntime(join(run.folder, 'linked'), false);
      const log = await captureCalls(run, target, () => ready(program, ['--log', run.log, '--wait-start']));
      compare(run, log, () => program);
    });
  });

for (const target of ['pid', 'all'] as const)
  test(`the runtime linked into a library that is loaded while we record, captured by --${target}`, async () => {
    await withRun(async run => {
      const library = linkRuntime(join(run.folder, 'libframework.so'), true);
      const args = ['--library', library, '--log', run.log, '--wait-start'];
      compare(run, await captureCalls(run, target, () => ready(copies, args)), same);
    });
  });

test('calls made while a library is not probed yet are said to be missing, and no others are', async t => {
  await withRun(async run => {
    const library = copyLibraries(run.folder, 'libcudart.so.12', 'libcudart.so.12');
    const args = ['--library', library, '--pause-ms', '0', '--calls', '300', '--gap-us', '1000'];
    const log = await captureCalls(run, 'pid', () =>
      ready(copies, [...args, '--log', run.log, '--wait-start']),
    );
    const file = new TraceFile(run.trace);
    try {
      const [clock] = log.filter(line => line.type === 'workload');
      const startUnix = BigInt(
        JSON.parse(String(file.rows("SELECT value FROM meta WHERE key = 'start_unix_ns'")[0]?.['value'])),
      );
      const offset =
        BigInt(String(clock?.['realtime_ns'])) - BigInt(String(clock?.['monotonic_ns'])) - startUnix;
      const at = log
        .filter(line => line.type === 'call')
        .map(line => Number(BigInt(Number(line['at_ns'])) + offset));
      assert.equal(at.length, 300);
      const gaps = file.rows(
        "SELECT start_ns, duration_ns FROM coverage WHERE what = 'calls' AND reason = 'attach'",
      );
      const from = Math.min(...gaps.map(gap => Number(gap['start_ns'])));
      const to = Math.max(...gaps.map(gap => Number(gap['start_ns']) + Number(gap['duration_ns'])));
      t.diagnostic(`probed ${((to - from) / 1e6).toFixed(1)} ms after it was mapped`);
      assert.ok(from < (at[0] ?? 0), 'the gap begins before the first call');
      const rows = file
        .rows("SELECT start_ns FROM cuda_calls WHERE function = 'cudaMalloc' ORDER BY 1")
        .map(row => Number(row['start_ns']));
      const after = at.filter(ns => ns > to);
      assert.ok(after.length > 0 && rows.length < at.length, `${rows.length} rows of ${at.length} calls`);
      assert.ok(rows.length >= after.length, `${rows.length} rows of ${after.length} calls after the gap`);
      // each logged time is just before its call: the last calls of the log are the rows, one by one
      rows.reverse().forEach((ns, index) => {
        const logged = at[at.length - 1 - index] ?? 0;
        assert.ok(Math.abs(ns - logged) < 500_000, `call ${index} from the end: ${ns - logged} ns apart`);
      });
    } finally {
      file.close();
    }
  });
});
