// The unlucky moments of a capture, each made on purpose: a target whose first thread leaves, one that loads CUDA late.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCapture } from '../lib/capture.ts';
import { buildWorkloads, fakeCuda, withFolder, withPython } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';

/** Captures with these options until the end; the trace is open while `use` runs. */
async function captured(
  options: readonly string[],
  use: (file: TraceFile, capture: Awaited<ReturnType<typeof startCapture>>) => void,
  meanwhile: (capture: Awaited<ReturnType<typeof startCapture>>) => Promise<void> = async () => {},
): Promise<void> {
  await withFolder(async folder => {
    const trace = join(folder, 'a.wakechain.db');
    const capture = await startCapture(['--output', trace, '--overhead-percent', '0', ...options]);
    await meanwhile(capture);
    await capture.finished;
    assert.equal(await capture.program.ended, 0, capture.program.words);
    const file = new TraceFile(trace);
    try {
      use(file, capture);
    } finally {
      file.close();
    }
  });
}

test('a target whose first thread has left is captured to the end', async () => {
  const script = `
import ctypes, platform, threading, time
def go():
    print('ready', flush=True)
    while True: time.sleep(0.005)
threading.Thread(target=go).start()
ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)`;
  await withPython(script, async python => {
    await sleep(200);
    await captured(['--pid', String(python.pid), '--duration', '0.7'], file => {
      assert.equal(file.meta('end_reason'), 'duration');
      const [process] = file.rows('SELECT * FROM process WHERE pid = ?', python.pid);
      assert.equal(process?.['is_target'], 1);
      assert.match(String(process?.['command_line']), /ctypes/);
      const waits = file.number(
        'SELECT count(*) FROM off_cpu_events WHERE pid = ? AND tid <> pid',
        python.pid,
      );
      assert.ok(waits > 50, `${waits} waits of the thread that goes on`);
    });
  });
});

test('with --all, a process that loads CUDA late is a target from then on', async () => {
  buildWorkloads();
  const script = `
import ctypes, time
print('ready', flush=True)
input()
cuda = ctypes.CDLL('${join(fakeCuda, 'libcudart.so.12')}')
while True:
    cuda.cudaDeviceSynchronize()
    time.sleep(0.01)`;
  await withPython(script, async python => {
    await captured(
      ['--all', '--duration', '1.5'],
      (file, { started }) => {
        const ours = (targets: unknown) => {
          assert.ok(Array.isArray(targets));
          return targets.filter(target => target.pid === python.pid);
        };
        assert.deepEqual(ours(started['targets']), []);
        assert.equal(file.number('SELECT is_target FROM process WHERE pid = ?', python.pid), 1);
        assert.deepEqual(ours(file.meta('targets')), [{ pid: python.pid, name: 'python3' }]);
        const calls = file.number('SELECT count(*) FROM cuda_calls WHERE pid = ?', python.pid);
        assert.ok(calls > 20, `${calls} calls`);
      },
      async () => {
        await sleep(300); // by now it was told of as a process that is no target
        python.say('load');
      },
    );
  });
});

test('a function that was asked for by name, and that no library of the targets has, is said to be missing', async () => {
  const options = ['--probe', '+ncclAllReduce', '--probe', 'launch', '--', 'sleep', '0.3'];
  await captured(options, file => {
    const [missing] = file.rows("SELECT attached, error FROM probe WHERE target = 'ncclAllReduce'");
    assert.deepEqual({ ...missing }, { attached: 0, error: 'no CUDA library of the targets exports it' });
    assert.deepEqual(Object(file.meta('options')).probes, ['+ncclAllReduce', '+launch']);
  });
});
