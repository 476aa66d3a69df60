// The collector on other kernels than this machine's: it checks the host, loads and attaches every probe, and records a
// workload whose own log says what must have been seen. Which of them: WAKECHAIN_KERNELS, names of setup.mjs.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildWorkloads, needBuilt, withFolder } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { boot, collectorOf, type Machine, type Said } from './guest.ts';

interface Expected {
  readonly machine: Machine;
  /** How uprobes are attached there; what the check says of it. */
  readonly rung: RegExp;
}

/** Uprobe multi came with 6.6, sessions with 6.13. */
const expected: Readonly<Record<string, Expected>> = {
  '6.1-amd64': { machine: 'amd64', rung: /links of its own/ },
  '6.12-amd64': { machine: 'amd64', rung: /a probe each/ },
  '6.1-arm64': { machine: 'arm64', rung: /links of its own/ },
  '6.12-arm64': { machine: 'arm64', rung: /a probe each/ },
};

const CALLS = 2000;

/** On amd64 a workload that counts its calls; on arm64 one that sleeps, since its libraries are not built here. */
const workload: Readonly<Record<Machine, string>> = {
  amd64: `./flood --threads 2 --calls ${CALLS} --log /tmp/log`,
  arm64: "busybox sh -c 'for i in $(busybox seq 40); do busybox usleep 10000; done'",
};

const script = (machine: Machine): string => `
echo "@@check"; ./wakechain-collector check
echo "@@capture"; ./wakechain-collector capture --output /tmp/t.db --overhead-percent 0 -- ${workload[machine]}
status=$?; echo "@@captured"; echo "exit status $status"
echo "@@log"; cat /tmp/log
echo "@@trace"; gzip -c /tmp/t.db | base64
`;

for (const name of (process.env['WAKECHAIN_KERNELS'] ?? Object.keys(expected).join(' ')).split(' ')) {
  const kernel = expected[name];
  if (kernel === undefined) throw new Error(`${name} is none of ${Object.keys(expected).join(', ')}`);
  const { machine, rung } = kernel;
  test(`Debian's kernel ${name}`, async t => {
    buildWorkloads();
    needBuilt(collectorOf(machine));
    await withFolder(async folder => {
      const said = await boot(name, machine, script(machine), folder);
      await t.test('the check finds nothing that fails', () => {
        assert.doesNotMatch(said.section('check'), /^FAIL/m);
        assert.match(said.section('check'), rung);
        assert.match(said.section('check'), /^pass\s+probes/m);
        assert.match(said.section('check'), /^pass\s+kernel_symbols/m);
      });
      await t.test('a workload is recorded, and nothing is lost', () => {
        const finished = said.objects('capture').find(object => object['type'] === 'finished');
        assert.ok(finished !== undefined, said.section('capture'));
        assert.equal(finished['lost'], 0);
        assert.deepEqual(finished['inconsistencies'], []);
        assert.match(said.section('captured'), /exit status 0/);
      });
      const file = join(folder, 'guest.wakechain.db');
      writeFileSync(file, said.file('trace'));
      const trace = new TraceFile(file);
      try {
        await t.test('waits have their wakers, and kernel stacks their names', () => assertWaits(trace));
        if (machine === 'amd64')
          await t.test('every call of the log is a row', () => assertCalls(trace, said));
      } finally {
        trace.close();
      }
    });
  });
}

function assertWaits(trace: TraceFile): void {
  const sleeps = trace.number(
    `SELECT count(*) FROM off_cpu_events WHERE reason = 'sleep' AND blocked_ns BETWEEN 9e6 AND 1e9
     AND waker_context = 'interrupt' AND process IN (SELECT process FROM threads WHERE is_target)`,
  );
  const woken = trace.number('SELECT count(*) FROM off_cpu WHERE waker_thread_id IS NOT NULL');
  assert.ok(woken > 10, `${woken} wake-ups by threads`);
  assert.ok(
    sleeps > 0 || trace.number('SELECT count(*) FROM cuda_call') > 0,
    'the workload slept, or called',
  );
  const named = trace.number(
    "SELECT count(*) FROM frame WHERE kind = 'kernel' AND function LIKE '%schedule%'",
  );
  assert.ok(named > 0, 'a kernel stack with schedule() in it');
}

function assertCalls(trace: TraceFile, said: Said): void {
  for (const calls of said.objects('log').filter(object => object['type'] === 'calls')) {
    const rows = trace.number(
      'SELECT count(*) FROM cuda_calls WHERE tid = ? AND function = ?',
      Number(calls['tid']),
      String(calls['function']),
    );
    assert.equal(rows, calls['count'], `${calls['function']} of ${calls['thread']}`);
  }
  assert.equal(trace.number("SELECT count(*) FROM cuda_calls WHERE function = 'cudaLaunchKernel'"), CALLS);
}
