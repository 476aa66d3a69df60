// What is recorded of single calls, by a Python program that makes known ones through ctypes: counts, arguments, results,
// nesting and categories, with each of the libraries that probes may meet.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCapture } from '../lib/capture.ts';
import { buildWorkloads, fakeCuda, root, startWorkload, withFolder } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { type LogLine, parseLog } from '../lib/truth.ts';

const ROUNDS = 50;

interface Run {
  readonly file: TraceFile;
  readonly log: readonly LogLine[];
}

async function captureCalls(
  options: {
    readonly library: string;
    readonly args?: readonly string[];
    readonly environment?: Record<string, string>;
  },
  use: (run: Run) => void,
): Promise<void> {
  buildWorkloads();
  await withFolder(async folder => {
    const trace = join(folder, 'calls.wakechain.db');
    const log = join(folder, 'calls.log');
    const args = ['--library', join(fakeCuda, options.library), '--rounds', String(ROUNDS), '--log', log];
    const python = await startWorkload(
      'calls_by_ctypes.py',
      [...args, ...(options.args ?? [])],
      options.environment,
    );
    try {
      const target = ['--pid', String(python.pid), '--duration', '60', '--control-stdin'];
      const capture = await startCapture(['--output', trace, '--overhead-percent', '0', ...target]);
      python.say('go');
      await python.ended;
      capture.program.say('stop');
      await capture.finished;
    } finally {
      python.kill();
    }
    const file = new TraceFile(trace);
    try {
      use({ file, log: options.environment?.['FAKECUDA_RESULT'] ? [] : parseLog(readFileSync(log, 'utf8')) });
    } finally {
      file.close();
    }
  });
}

function assertCounts({ file, log }: Run): void {
  const calls = log.filter(line => line.type === 'calls');
  assert.equal(calls.length, 6);
  for (const line of calls) {
    const [row] = file.rows(
      'SELECT count(*) AS count, sum(bytes) AS bytes FROM cuda_calls WHERE tid = ? AND function = ?',
      Number(line['tid']),
      String(line['function']),
    );
    assert.equal(row?.['count'], line['count'], String(line['function']));
    if (line['bytes'] !== undefined) assert.equal(row?.['bytes'], line['bytes'], String(line['function']));
  }
}

for (const library of ['libcudart.so.12', 'libcudart.so.13', 'endbr64/libcudart.so.12'])
  test(`${library}: every call with its arguments`, async () => {
    await captureCalls({ library }, run => {
      assertCounts(run);
      const { file } = run;
      const shapes = file.rows(
        `SELECT DISTINCT grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes FROM cuda_calls
         WHERE category = 'launch'`,
      );
      assert.deepEqual(
        shapes.map(row => Object.values(row)),
        [[7, 8, 9, 128, 2, 1, 2048]],
      );
      const streams = file.rows(
        "SELECT DISTINCT stream FROM cuda_calls WHERE function IN ('cudaLaunchKernel', 'cudaMemcpyAsync')",
      );
      assert.equal(streams.length, 1, 'one stream was used');
      assert.ok(Number(streams[0]?.['stream']) > 0);
      // Each address that an allocation gave is the address of one free.
      const addresses = (name: string) =>
        file.rows('SELECT address FROM cuda_calls WHERE function = ? ORDER BY start_ns', name);
      assert.equal(addresses('cudaMalloc').length, ROUNDS);
      assert.deepEqual(addresses('cudaMalloc'), addresses('cudaFree'));
      assert.deepEqual(file.rows('SELECT * FROM cuda_calls WHERE result IS NOT 0'), []);
      // The runtime calls the driver: one call of it inside each, on the same thread.
      const inside = file.rows(
        `SELECT DISTINCT p.function AS outer_function, c.function AS inner_function FROM cuda_calls c
         JOIN cuda_calls p ON p.id = c.parent_id
         WHERE c.thread_id = p.thread_id AND c.start_ns >= p.start_ns
           AND c.start_ns + c.duration_ns <= p.start_ns + p.duration_ns ORDER BY 1, 2`,
      );
      assert.deepEqual(
        inside.map(row => `${row['outer_function']} > ${row['inner_function']}`),
        [
          'cudaFree > cuMemFree_v2',
          'cudaLaunchKernel > cuLaunchKernel',
          'cudaMalloc > cuMemAlloc_v2',
          'cudaMemcpyAsync > cuMemcpyDtoHAsync_v2',
          'cudaMemcpyAsync > cuMemcpyHtoDAsync_v2',
          'cudaStreamCreate > cuStreamCreate',
          'cudaStreamSynchronize > cuStreamSynchronize',
        ],
      );
      // Never a single step: the probe sits on `push %rbp`, after endbr64 where there is one.
      const placements = file.rows("SELECT DISTINCT placement FROM probe WHERE kind = 'uprobe' AND hits > 0");
      assert.deepEqual(
        placements.map(row => row['placement']),
        ['emulated'],
      );
    });
  });

test('categories are those that the functions were written with', async () => {
  const written = new Map(
    ['runtime.def', 'driver.def']
      .map(name => readFileSync(join(root, 'test/fakecuda', name), 'utf8'))
      .flatMap(text => [...text.matchAll(/^(?:RT|RT12|DRV)\((\w+), (\w+)/gm)])
      .map(([, name, category]) => [name ?? '', category ?? '']),
  );
  await captureCalls({ library: 'libcudart.so.12' }, ({ file }) => {
    const functions = file.rows('SELECT name, library, category FROM cuda_function');
    assert.ok(functions.length >= 12);
    for (const row of functions) {
      const name = String(row['name']);
      // what the compiler calls by itself stands in no table
      if (!name.startsWith('__')) assert.equal(row['category'], written.get(name), name);
      assert.equal(
        row['library'],
        name.startsWith('cuda') || name.startsWith('__cuda') ? 'runtime' : 'driver',
        name,
      );
    }
  });
});

test('an error of the driver is the result of both calls', async () => {
  const environment = { FAKECUDA_RESULT: 'cuMemAlloc_v2=2' };
  await captureCalls({ library: 'libcudart.so.12', environment }, ({ file }) => {
    const failed = file.rows('SELECT function, result FROM cuda_calls WHERE result <> 0 ORDER BY function');
    assert.deepEqual(
      failed.map(row => [row['function'], row['result']]),
      [
        ['cuMemAlloc_v2', 2],
        ['cudaMalloc', 2],
      ],
    );
  });
});

test('a call that blocks for 300 us lasts as long on file, and its thread is off the CPU inside it', async () => {
  const environment = { FAKECUDA_LATENCY: 'cuStreamSynchronize=300us:block' };
  await captureCalls({ library: 'libcudart.so.12', environment }, run => {
    assertCounts(run);
    const { file } = run;
    const calls = "function = 'cuStreamSynchronize'";
    assert.equal(
      file.number(`SELECT count(*) FROM cuda_calls WHERE ${calls} AND duration_ns >= 300000`),
      ROUNDS,
    );
    const asleep = file.number(
      `SELECT count(*) FROM (SELECT c.id FROM cuda_calls c JOIN off_cpu_events o ON o.thread_id = c.thread_id
         AND o.start_ns >= c.start_ns AND o.start_ns + o.duration_ns <= c.start_ns + c.duration_ns
       WHERE ${calls.replace('function', 'c.function')} AND o.syscall = 'poll'
       GROUP BY c.id HAVING sum(o.duration_ns) > 100000)`,
    );
    // one that lost its CPU on the way to sleep finds its time over
    assert.ok(asleep >= ROUNDS - 2, `${asleep} of ${ROUNDS}`);
  });
});

test('a library that is loaded while the capture runs is probed too', async () => {
  await captureCalls({ library: 'libcudart.so.13', args: ['--load-late'] }, assertCounts);
});

test('a command that ends with a status: the capture ends with it, and hands the status on', async () => {
  buildWorkloads();
  await withFolder(async folder => {
    const trace = join(folder, 'false.wakechain.db');
    const capture = await startCapture(['--output', trace, '--', 'sh', '-c', 'exit 7']);
    const { line } = await capture.finished;
    assert.equal(line['exit_status'], 7);
  });
});
