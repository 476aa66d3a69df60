// What happens to targets while they are recorded, each made on purpose: one that ends before the probes are in, one that
// becomes another program, one with two thousand threads, one that two collectors record at once, a fork storm.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCapture } from '../lib/capture.ts';
import { collector, needBuilt, Program, withFolder, withPython } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';

function open<T>(trace: string, use: (file: TraceFile) => T): T {
  const file = new TraceFile(trace);
  try {
    assert.equal(file.meta('consistent'), true, JSON.stringify(file.meta('inconsistencies')));
    return use(file);
  } finally {
    file.close();
  }
}

test('a process that ends while the probes are put in: a sentence, or a trace that says so', async () => {
  needBuilt(collector);
  await withFolder(async folder => {
    for (const [i, ms] of [0, 60, 120].entries()) {
      const target = new Program('sleep', ['60']);
      const trace = join(folder, `${i}.wakechain.db`);
      const program = new Program(collector, ['capture', '--output', trace, '--pid', String(target.pid)]);
      await sleep(ms);
      target.kill();
      await target.ended;
      const status = await program.ended;
      const last: unknown = JSON.parse(program.lines.at(-1) ?? '{}');
      const said = Object(last);
      if (status === 0) {
        assert.equal(said.end_reason, 'targets exited');
        open(trace, file => assert.equal(file.meta('end_reason'), 'targets exited'));
      } else {
        assert.equal(status, 1);
        assert.equal(said.code, 'no_such_process', program.lines.at(-1));
      }
    }
  });
});

test('a target that becomes another program is one process, with the name of what it became', async () => {
  const script = `
import os, sys
print('ready', flush=True)
input()
os.execvp('sleep', ['sleep', '0.4'])`;
  await withPython(script, async python => {
    await withFolder(async folder => {
      const trace = join(folder, 'a.wakechain.db');
      const { program, finished } = await startCapture(['--output', trace, '--pid', String(python.pid)]);
      await sleep(200);
      python.say('go');
      const { line } = await finished;
      assert.equal(await program.ended, 0, program.words);
      assert.equal(line['end_reason'], 'targets exited');
      open(trace, file => {
        const rows = file.rows('SELECT name, is_target FROM process WHERE pid = ?', python.pid);
        assert.deepEqual(
          rows.map(row => [row['name'], row['is_target']]),
          [['sleep', 1]],
        );
        const execs = file.number(
          'SELECT count(*) FROM off_cpu_events WHERE pid = ? AND duration_ns BETWEEN 3.5e8 AND 6e8',
          python.pid,
        );
        assert.equal(execs, 1, 'the sleep of what it became');
      });
    });
  });
});

test('two thousand threads', async () => {
  const script = `
import threading, time
threading.stack_size(65536)
def wait():
    time.sleep(0.3)
    time.sleep(30)
threads = [threading.Thread(target=wait, daemon=True) for _ in range(2000)]
for thread in threads: thread.start()
print('ready', flush=True)
time.sleep(30)`;
  await withPython(script, async python => {
    await withFolder(async folder => {
      const trace = join(folder, 'a.wakechain.db');
      const target = ['--pid', String(python.pid), '--duration', '0.5'];
      const { finished } = await startCapture(['--output', trace, ...target]);
      assert.equal((await finished).lost, 0);
      open(trace, file => {
        const threads = 'FROM thread t JOIN process p ON p.id = t.process_id WHERE p.pid = ?';
        assert.equal(file.number(`SELECT count(*) ${threads}`, python.pid), 2001);
        const asleep = file.number(
          `SELECT count(DISTINCT tid) FROM off_cpu_events WHERE pid = ? AND duration_ns IS NULL`,
          python.pid,
        );
        assert.ok(asleep >= 2000, `${asleep} threads sleep at the end`);
      });
    });
  });
});

test('two collectors at once record the same, and neither is a cause in the other', async () => {
  const script = `
import time
print('ready', flush=True)
while True: time.sleep(0.002)`;
  await withPython(script, async python => {
    await withFolder(async folder => {
      const traces = ['a', 'b'].map(name => join(folder, `${name}.wakechain.db`));
      const target = ['--pid', String(python.pid), '--duration', '1'];
      const captures = await Promise.all(traces.map(trace => startCapture(['--output', trace, ...target])));
      for (const { finished } of captures) assert.equal((await finished).lost, 0);
      const waits = traces.map(trace =>
        open(trace, file => file.number('SELECT count(*) FROM off_cpu_events WHERE pid = ?', python.pid)),
      );
      for (const count of waits) assert.ok(count > 200, `${waits} waits`);
    });
  });
});

test('a fork storm: every child is there, and is a target', async () => {
  await withFolder(async folder => {
    const trace = join(folder, 'a.wakechain.db');
    const storm = ['sh', '-c', 'for i in $(seq 300); do (exit 7) & done; wait'];
    const { finished } = await startCapture(['--output', trace, '--', ...storm]);
    assert.equal((await finished).lost, 0);
    open(trace, file => {
      const children = `FROM process c JOIN process p ON p.id = c.parent_id WHERE p.name = 'sh' AND p.is_target = 1`;
      assert.equal(file.number(`SELECT count(*) ${children} AND c.is_target = 1`), 301); // with seq
    });
  });
});
