// The story of the README, captured for real and asked for over MCP: what comes back names the holder, the holder's
// competitor and the times that the workload itself logged; without the spinner nobody is accused in its place.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { CauseNode } from '../../extension/trace/api.ts';
import { captureDemo, type DemoOptions, type DemoRun } from '../lib/demo.ts';
import { explainWaits } from '../lib/explain-waits.ts';
import { makeFolder, withFolder } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import {
  addLockTimes,
  agrees,
  competitors,
  everyNode,
  type LockTime,
  saidLockTime,
  topmost,
  trueLockTime,
  unconservedNs,
  type Wait,
} from '../lib/truth.ts';

const heldBy = (tree: CauseNode, holder: string): boolean =>
  everyNode(tree).some(node => node.edge === 'held_by' && node.thread?.name === holder);

/** The lock whose wait an example is about: the true wait that shares most time with it. */
function waitOf(run: DemoRun, example: CauseNode): Wait | undefined {
  const end = example.startNs + example.durationNs;
  const shared = (wait: Wait) => Math.min(wait.endNs, end) - Math.max(wait.startNs, example.startNs);
  const [most] = [...run.truth.waits].sort((a, b) => shared(b) - shared(a));
  return most !== undefined && shared(most) > 0 ? most : undefined;
}

const microseconds = (ns: number): string => `${(ns / 1000).toFixed(0)} us`;

function compare(what: string, said: LockTime, truth: LockTime): void {
  for (const part of ['blockedNs', 'holderRunnableNs'] as const)
    assert.ok(
      agrees(said[part], truth[part]),
      `${part}: said ${microseconds(said[part])}, true ${microseconds(truth[part])} (${what})`,
    );
}

async function withRun(options: DemoOptions, use: (run: DemoRun) => void | Promise<void>): Promise<void> {
  await withFolder(async folder => await use(await captureDemo(folder, options)));
}

/** Spinners that another demo on this machine started: real competitors, though not of this story. */
function spinnersOfOthers(run: DemoRun): Set<unknown> {
  const file = new TraceFile(run.trace);
  const rows = file.rows(
    `SELECT p.pid FROM process p LEFT JOIN process q ON q.id = p.parent_id
     WHERE p.name = 'spinner' AND q.pid IS NOT ?`,
    run.truth.pid,
  );
  file.close();
  return new Set(rows.map(row => row['pid']));
}

function assertConserved(run: DemoRun): void {
  for (const cause of [...run.causes.causes, ...run.chains.causes])
    for (const example of cause.examples)
      assert.equal(unconservedNs(example), 0, `the leaves do not add up: ${cause.sentence}`);
}

for (const variant of ['call', 'gap'] as const)
  for (const how of ['pid', 'command'] as const)
    test(`${variant}, captured by ${how}: the top cause is tokenizer, behind spinner, with the log's times`, async () => {
      await withRun({ variant, how, spinner: true, idleWorker: false }, async run => {
        // Over MCP: the names are there, however much had to be cut.
        const [told] = run.chains.causes;
        assert.ok(told?.examples[0], 'an agent is told of no cause');
        assert.equal(told.kind, 'cause', told.sentence);
        assert.ok(
          heldBy(told.examples[0], 'tokenizer'),
          `tokenizer is not named as holder: ${told.sentence}`,
        );
        assert.ok(competitors(told.examples[0]).has('spinner'), `spinner is not named: ${told.sentence}`);
        // Whole, from the query process: the same cause, with the log's times.
        const [top] = run.causes.causes;
        assert.ok(top, 'no cause at all');
        assert.deepEqual([top.id, top.sentence, top.timeNs], [told.id, told.sentence, told.timeNs]);
        assert.ok(top.examples.length > 0, top.sentence);
        const waited: LockTime[] = [];
        for (const example of top.examples) {
          assert.equal(example.edge, variant === 'call' ? 'slow_call' : 'slow_gap', top.sentence);
          assert.equal(example.thread?.name, 'engine', top.sentence);
          assert.ok(heldBy(example, 'tokenizer'), `tokenizer is not named as holder: ${top.sentence}`);
          const [worst] = [...competitors(example)].sort((a, b) => b[1] - a[1]);
          assert.equal(worst?.[0], 'spinner', `the competitor: ${top.sentence}`);
          const wait = waitOf(run, example);
          assert.ok(wait, `no wait of the log overlaps the example at ${example.startNs}: ${top.sentence}`);
          waited.push(trueLockTime(run.truth, wait));
        }
        const said = top.examples.map(example => saidLockTime(example, 'engine', 'tokenizer'));
        compare(top.sentence, addLockTimes(said), addLockTimes(waited));
        assertConserved(run);
        // And each wait by itself, as a person asks by selecting it in the timeline.
        const waits = await explainWaits(run.trace, run.truth);
        assert.ok(waits.length >= 5, `${waits.length} waits in the capture`);
        for (const { tree } of waits) assert.equal(unconservedNs(tree), 0);
        compare(
          'all waits of the run',
          addLockTimes(waits.map(wait => wait.said)),
          addLockTimes(waits.map(wait => wait.true)),
        );
        const delays = run.causes.delays.slowCalls + run.causes.delays.slowGaps;
        assert.ok(delays >= waits.length, `${delays} delays for ${waits.length} waits`);
      });
    });

describe('what the rows say before any explanation', () => {
  const folder = makeFolder();
  let run: DemoRun;
  let file: TraceFile;

  before(async () => {
    run = await captureDemo(folder, { variant: 'call', how: 'pid', spinner: true, idleWorker: false });
    file = new TraceFile(run.trace);
  });
  after(() => {
    file?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('each wait of the log is an off-CPU row on that futex, as long, and tokenizer woke it', () => {
    const engine = run.truth.threads.get('engine');
    assert.ok(engine !== undefined && run.truth.waits.length >= 5, 'the demo waited at least five times');
    for (const wait of run.truth.waits) {
      const { blockedNs } = trueLockTime(run.truth, wait);
      if (blockedNs < 1_000_000) continue; // so short that it may have got the lock without going to sleep
      const [row] = file.rows(
        `SELECT sum(blocked_ns) AS blocked, min(futex_op) AS op, max(futex_value) AS value, min(waker_thread) AS waker
         FROM off_cpu_events WHERE tid = ? AND object_kind = 'futex' AND futex_value = 2
         AND start_ns >= ? AND start_ns < ?`,
        engine,
        wait.startNs,
        wait.endNs,
      );
      assert.ok(
        agrees(Number(row?.['blocked']), blockedNs),
        `${row?.['blocked']} ns on file, ${blockedNs} ns true`,
      );
      assert.deepEqual([row?.['op'], row?.['waker']], [0, 'tokenizer']);
    }
  });

  test('tokenizer was off the CPU inside its holds for as long as its own clocks say', () => {
    const tokenizer = run.truth.threads.get('tokenizer');
    assert.ok(tokenizer !== undefined);
    const onFile = run.truth.holds.map(hold =>
      file.number(
        'SELECT sum(duration_ns) FROM off_cpu_events WHERE tid = ? AND start_ns >= ? AND start_ns < ?',
        tokenizer,
        hold.startNs,
        hold.endNs,
      ),
    );
    const fileNs = onFile.reduce((sum, ns) => sum + ns, 0);
    const schedstatNs = run.truth.holds.reduce((sum, hold) => sum + hold.runqueueNs, 0);
    assert.ok(agrees(fileNs, schedstatNs), `${fileNs} ns on file, schedstat says ${schedstatNs}`);
  });

  test('every launch of the log is a row, and its driver call lies inside it', () => {
    for (const calls of run.truth.calls) {
      const count = file.number(
        'SELECT count(*) FROM cuda_calls WHERE tid = ? AND function = ?',
        calls.tid,
        calls.function,
      );
      assert.equal(count, calls.count, calls.function);
    }
    const strays = file.number(
      `SELECT count(*) FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id
       LEFT JOIN cuda_call p ON p.id = c.parent_id
       WHERE f.name = 'cuLaunchKernel' AND (p.id IS NULL OR p.thread_id <> c.thread_id
         OR c.start_ns < p.start_ns OR c.start_ns + c.duration_ns > p.start_ns + p.duration_ns)`,
    );
    assert.equal(strays, 0);
  });
});

for (const variant of ['call', 'gap'] as const)
  test(`${variant}, the quiet twin: no spinner is named, and nobody is behind anybody who was not`, async () => {
    await withRun({ variant, how: 'pid', spinner: false, idleWorker: false }, run => {
      assertConserved(run);
      const nodes = [...run.causes.causes, ...run.chains.causes].flatMap(cause =>
        cause.examples.flatMap(everyNode),
      );
      const others = spinnersOfOthers(run);
      const named = nodes.filter(node => node.thread?.process === 'spinner' && !others.has(node.thread.pid));
      assert.deepEqual(named, []);
      // A real neighbour may have taken a CPU for a moment: the kernel's own count says how long that was.
      const queuedNs =
        run.truth.engineRunqueueNs + run.truth.holds.reduce((sum, hold) => sum + hold.runqueueNs, 0);
      for (const cause of run.causes.causes.filter(cause => cause.kind === 'cause')) {
        const behindNs = cause.examples
          .flatMap(example => topmost(example, node => node.edge === 'behind'))
          .reduce((sum, node) => sum + node.durationNs, 0);
        assert.ok(
          behindNs <= queuedNs * 1.05 + 200_000,
          `${microseconds(behindNs)} behind somebody, schedstat says ${microseconds(queuedNs)}: ${cause.sentence}`,
        );
      }
    });
  });

test('a worker that idles on a condition variable is never called held by anyone', async () => {
  await withRun({ variant: 'call', how: 'pid', spinner: true, idleWorker: true }, run => {
    const idler = run.truth.calls.find(calls => calls.function === 'cudaMemcpyAsync');
    assert.ok(idler !== undefined && idler.count > 10, 'the idler copied now and then');
    assertConserved(run);
    for (const cause of run.causes.causes)
      for (const example of cause.examples)
        for (const node of everyNode(example).filter(node => node.thread?.name === 'idler')) {
          const held = node.children.filter(child => child.edge === 'held_by');
          assert.deepEqual(held, [], `idler is called held: ${cause.sentence}`);
          assert.notEqual(node.edge, 'lock', `idler is said to wait for a lock: ${cause.sentence}`);
        }
    assert.ok(
      run.causes.causes.some(cause => cause.examples.some(example => heldBy(example, 'tokenizer'))),
      'and engine still waits for tokenizer',
    );
  });
});
