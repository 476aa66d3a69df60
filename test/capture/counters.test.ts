// Every probe has a counter of its own on each way out: what entered is what came out, and what came out is what the file
// has rows of, under every pressure: none, rings that are too small, a storm of forks, thousands of threads, a collector
// that stands still. Switches are as many as `perf stat` counts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Capture, startCapture } from '../lib/capture.ts';
import { buildWorkloads, Program, startWorkload, withFolder, workloads } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';

interface Pressure {
  readonly options: readonly string[];
  /** What is started, waits for a line, and does it. */
  readonly program: () => Promise<Program>;
  readonly during?: (capture: Capture) => Promise<void>;
  readonly loses: boolean;
}

/** A Python program that does `lines` after it was told to. */
async function python(lines: readonly string[]): Promise<Program> {
  const text = [
    'import os, sys, threading, time',
    'print("ready", flush=True); sys.stdin.readline()',
    ...lines,
  ];
  const program = new Program('python3', ['-c', text.join('\n')]);
  await program.line(line => (line === 'ready' ? true : undefined), 'line "ready"');
  return program;
}

const strict = () => startWorkload('strict', ['--rounds', '60000']);

const pressures: Readonly<Record<string, Pressure>> = {
  'block and wake as fast as can be': { options: [], program: strict, loses: false },
  'rings of 4 KiB': {
    options: ['--ring-bytes', '4096'],
    program: () => startWorkload('flood', ['--threads', '4', '--calls', '60000']),
    loses: true,
  },
  'a collector that stands still for a second': {
    options: ['--ring-bytes', '65536'],
    program: strict,
    during: async capture => {
      capture.program.kill('SIGSTOP');
      await sleep(1000);
      capture.program.kill('SIGCONT');
    },
    loses: true,
  },
  'a storm of forks': {
    options: [],
    program: () =>
      python([
        'for _ in range(600):',
        '    pid = os.fork()',
        '    if not pid: os._exit(0)',
        '    os.waitpid(pid, 0)',
      ]),
    loses: false,
  },
  '2,000 threads': {
    options: [],
    program: () =>
      python([
        'threading.stack_size(65536); gate = threading.Event()',
        'threads = [threading.Thread(target=gate.wait) for _ in range(2000)]',
        'for thread in threads: thread.start()',
        'gate.set()',
        'for thread in threads: thread.join()',
      ]),
    loses: false,
  },
};

/** Rows of the file, by the probe whose `emitted` they are. */
const rowsOf: Readonly<Record<string, string>> = {
  'sched_switch (off_cpu)': 'SELECT count(*) FROM off_cpu WHERE duration_ns IS NOT NULL',
  'task (end)': 'SELECT count(*) FROM off_cpu WHERE duration_ns IS NULL',
  'sched_switch (cpu_slice)': 'SELECT count(*) FROM cpu_slice WHERE duration_ns IS NOT NULL',
  'cpu_slice (end)': 'SELECT count(*) FROM cpu_slice WHERE duration_ns IS NULL',
  block_rq_complete: 'SELECT count(*) FROM block_io WHERE duration_ns IS NOT NULL',
  'block requests (end)': 'SELECT count(*) FROM block_io WHERE duration_ns IS NULL',
  'cpu-clock': 'SELECT count(*) FROM cpu_sample',
  'major-faults': "SELECT count(*) FROM memory_stall WHERE kind = 'page_fault'",
};

function assertAddsUp(file: TraceFile): void {
  assert.equal(file.meta('consistent'), true, JSON.stringify(file.meta('inconsistencies')));
  const sum = 'emitted + merged + filtered + lost';
  assert.deepEqual(file.rows(`SELECT * FROM probe WHERE attached = 1 AND hits IS NOT ${sum}`), []);
  for (const [target, sql] of Object.entries(rowsOf)) {
    const emitted = file.rows('SELECT emitted FROM probe WHERE target = ? AND attached = 1', target);
    for (const row of emitted) assert.equal(file.number(sql), row['emitted'], target);
  }
  const calls = file.rows(
    `SELECT p.target, p.emitted, (SELECT count(*) FROM cuda_calls c WHERE p.target LIKE '%:' || c.function) AS rows
     FROM probe p WHERE p.kind = 'uprobe' AND p.emitted > 0`,
  );
  for (const row of calls) assert.equal(row['rows'], row['emitted'], String(row['target']));
  assert.equal(
    file.number('SELECT coalesce(sum(events), 0) FROM loss'),
    file.number('SELECT coalesce(sum(lost), 0) FROM probe'),
  );
}

describe('hits = emitted + merged + filtered + lost, rows = emitted', () => {
  for (const [name, { options, program: start, during, loses }] of Object.entries(pressures))
    test(name, t =>
      withFolder(async folder => {
        buildWorkloads();
        const output = join(folder, 'pressed.wakechain.db');
        const program = await start();
        try {
          const of = ['--pid', String(program.child.pid), '--duration', '60', '--control-stdin'];
          const capture = await startCapture([
            '--output',
            output,
            '--overhead-percent',
            '0',
            ...of,
            ...options,
          ]);
          program.say('go');
          await during?.(capture);
          assert.equal(await program.ended, 0, program.words);
          capture.program.say('stop');
          await capture.finished;
        } finally {
          program.kill();
        }
        const file = new TraceFile(output);
        try {
          assertAddsUp(file);
          const lost = file.number('SELECT sum(lost) FROM probe');
          const hits = file.number('SELECT sum(hits) FROM probe');
          t.diagnostic(`${hits} hits, ${lost} lost`);
          if (loses) assert.ok(lost > 0, 'this pressure is meant to lose some');
        } finally {
          file.close();
        }
      }),
    );
});

test('switches of a program are those that perf stat counts, within one in a thousand', () =>
  withFolder(async folder => {
    buildWorkloads();
    const [output, counted] = [join(folder, 'perf.wakechain.db'), join(folder, 'perf.csv')];
    const args = [
      'stat',
      '-x',
      ',',
      '-e',
      'sched:sched_switch',
      '-o',
      counted,
      '--',
      join(workloads, 'strict'),
    ];
    const perf = new Program('perf', [...args, '--rounds', '60000', '--wait-start']);
    try {
      await perf.line(line => (line.startsWith('ready ') ? true : undefined), 'line "ready"');
      const capture = await startCapture([
        '--output',
        output,
        '--all',
        '--duration',
        '60',
        '--control-stdin',
      ]);
      perf.say('go');
      assert.equal(await perf.ended, 0, perf.words);
      capture.program.say('stop');
      await capture.finished;
    } finally {
      perf.kill();
    }
    const text = readFileSync(counted, 'utf8');
    const byPerf = Number(/^(\d+),.*sched:sched_switch/m.exec(text)?.[1]);
    const file = new TraceFile(output);
    const rows = file.number("SELECT count(*) FROM off_cpu_events WHERE process = 'strict'");
    file.close();
    assert.ok(byPerf > 200_000, text);
    assert.ok(Math.abs(rows - byPerf) <= byPerf / 1000, `${rows} intervals, ${byPerf} switches by perf`);
  }));
