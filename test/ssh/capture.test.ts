// A whole capture over a real sshd with the real collector, as an unprivileged user with sudo: what comes back, and what
// is left on the host when it is cancelled in any of its stages (nothing).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Progress } from '../../extension/capture/prepare.ts';
import { localHost } from '../../extension/remote/local-host.ts';
import { collector, startWorkload } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { assertCaptured, CaptureBench, type Run } from './bench.ts';
import { type Sandbox, whyNoServer } from './harness.ts';

const skip = whyNoServer() ?? false;

describe('a capture over SSH', { skip }, () => {
  let bench: CaptureBench;
  let sandbox: Sandbox;
  before(async () => {
    bench = await CaptureBench.open();
    sandbox = bench.sandbox;
  });
  after(() => bench?.close());
  beforeEach(() => bench.begin());

  test('the trace arrives whole, is what the collector recorded, and nothing but the collector stays', async () => {
    const run = await bench.runCapture();
    const outcome = assertCaptured(run);
    assert.deepEqual(run.asked, []);
    assert.deepEqual(outcome.leftovers, []);
    assert.equal(outcome.commandExitStatus, 0);
    const sha256 = createHash('sha256').update(readFileSync(outcome.file)).digest('hex');
    assert.equal(sha256, outcome.sha256);
    assert.equal(readFileSync(`${outcome.file}.sha256`, 'utf8').split(' ')[0], sha256);
    assert.equal(statSync(outcome.file).mode & 0o777, 0o600);
    const trace = new TraceFile(outcome.file);
    assert.ok(trace.number('SELECT count(*) FROM cuda_call') > 0, 'no CUDA call was recorded');
    assert.ok(trace.number("SELECT count(*) FROM thread WHERE name = 'engine'") > 0);
    trace.close();
    const stages = run.reports.map(({ stage }) => stage).filter((stage, i, all) => stage !== all[i - 1]);
    assert.deepEqual(stages, ['connect', 'upload', 'check', 'choose', 'record', 'finish', 'pull', 'clean']);
    assert.ok(
      run.reports.some(({ live }) => live !== undefined && live.events > 0),
      'no live counts',
    );
    await bench.assertNothingRuns();
    const kept = bench.cached().filter(path => statSync(path).isFile());
    assert.equal(kept.length, 1, String(kept));
    assert.equal(statSync(kept[0] ?? '').mode & 0o777, 0o700);
    assert.equal(statSync(join(kept[0] ?? '', '..')).mode & 0o777, 0o700);
  });

  test('the second time the collector is there; a changed one is not run but replaced', async () => {
    const bytes = (run: Run): number =>
      run.reports.filter(report => report.stage === 'upload' && report.bytes).length;
    const again = await bench.runCapture({ plan: { durationSeconds: 0.5 } });
    assertCaptured(again);
    assert.equal(bytes(again), 0);
    const [file = ''] = bench.cached().filter(path => statSync(path).isFile());
    writeFileSync(file, '#!/bin/sh\necho evil >/tmp/wakechain-evil\n');
    const replaced = await bench.runCapture({ plan: { durationSeconds: 0.5 } });
    assertCaptured(replaced);
    assert.ok(bytes(replaced) > 0);
    assert.ok(!existsSync('/tmp/wakechain-evil'));
    assert.ok(readFileSync(file).equals(readFileSync(collector)));
  });

  test('a running process; stopped early, what was recorded is kept', async () => {
    const demo = await startWorkload('demo', ['--no-spinner', '--duration', '60', '--log', '/dev/null']);
    demo.say('go');
    try {
      const run = await bench.runCapture({
        plan: { target: { kind: 'processes', pids: [demo.pid] }, durationSeconds: 60 },
        onReport: (progress, { stop }) => {
          if (progress.live) stop();
        },
      });
      const outcome = assertCaptured(run);
      const trace = new TraceFile(outcome.file);
      assert.ok(trace.number('SELECT count(*) FROM cuda_call') > 0);
      assert.equal(trace.meta('end_reason'), 'stopped');
      trace.close();
      await bench.assertNothingRuns();
    } finally {
      demo.kill();
    }
  });

  describe('cancelled, nothing is left', () => {
    const cases: readonly (readonly [string, (progress: Progress) => boolean])[] = [
      ['upload', ({ stage, bytes }) => stage === 'upload' && bytes !== undefined],
      ['record', ({ live }) => live !== undefined],
      ['finish', ({ stage }) => stage === 'finish'],
      ['pull', ({ stage, bytes }) => stage === 'pull' && bytes !== undefined],
    ];
    for (const [stage, when] of cases)
      test(stage, async () => {
        rmSync(join(sandbox.user.home, '.cache'), { recursive: true, force: true });
        const long =
          stage === 'record' ? { target: { kind: 'command', line: 'sleep 600; true' } as const } : {};
        const run = await bench.runCapture({
          plan: long,
          onReport: (progress, { cancel }) => {
            if (when(progress)) cancel();
          },
        });
        assert.equal(run.outcome.kind, 'cancelled', run.log);
        assert.ok(run.outcome.kind === 'cancelled');
        assert.equal(run.outcome.stage, stage);
        assert.deepEqual(run.outcome.leftovers, []);
        await bench.assertNothingRuns();
        assert.ok(!existsSync(join(sandbox.user.home, '.cache')), String(bench.cached()));
      });
  });

  describe('sudo', () => {
    test('a password: asked once, again when it was wrong, and in no log', async () => {
      sandbox.allowSudo('with password');
      const answers = ['wrong', sandbox.user.password];
      const run = await bench.runCapture({
        plan: { durationSeconds: 0.5 },
        answers: { sudoPassword: async () => answers.shift() },
      });
      assertCaptured(run);
      assert.deepEqual(run.asked, ['sudo', 'sudo again']);
      assert.ok(!run.log.includes(sandbox.user.password));
      await bench.assertNothingRuns();
    });

    test('no rule for the user: said, with nothing left behind', async () => {
      sandbox.allowSudo('not at all');
      const { outcome, log } = await bench.runCapture({
        answers: { sudoPassword: async () => sandbox.user.password },
      });
      assert.ok(outcome.kind === 'failed', log);
      assert.equal(outcome.error.reason, 'sudo_refused');
      await bench.assertNothingRuns();
    });
  });

  describe('cancelled between the request for a program and its start', () => {
    for (const [what, isIt] of [
      [
        'the folder for the recording',
        argv =>
          argv.includes(
            'umask 077; for place in "$@"; do mkdir "$place" && echo "$place" && exit; done; exit 1',
          ),
      ],
      ['the recording', argv => argv.includes('capture')],
    ] satisfies readonly (readonly [string, (argv: readonly string[]) => boolean])[])
      test(what, async () => {
        const run = await bench.runCapture({
          plan: { target: { kind: 'command', line: 'sleep 600; true' } },
          onExec: (argv, { cancel }) => {
            if (isIt(argv)) cancel();
          },
        });
        assert.ok(run.outcome.kind === 'cancelled', run.log);
        assert.equal(run.outcome.stage, 'record');
        assert.deepEqual(run.outcome.leftovers, []);
        await bench.assertNothingRuns();
      });
  });

  test('a collector that does not answer to cancel is ended, with the command that it had started', async () => {
    const run = await bench.runCapture({
      plan: { target: { kind: 'command', line: 'sleep 600; true' } },
      patienceMs: 1000,
      onReport: (progress, { cancel }) => {
        if (!progress.live) return;
        spawnSync('pkill', ['-STOP', '-f', `^${sandbox.user.home}/.cache/wakechain`]);
        cancel();
      },
    });
    assert.ok(run.outcome.kind === 'cancelled', run.log);
    assert.match(run.log, /was told to cancel, and has not ended within 1 s/);
    assert.deepEqual(run.outcome.leftovers, []);
    await bench.assertNothingRuns();
  });

  test('a collector that cannot be ended either: the outcome says that it may still record', async () => {
    const run = await bench.runCapture({
      plan: { target: { kind: 'command', line: 'sleep 600; true' } },
      patienceMs: 1000,
      onReport: (progress, { cancel }) => {
        if (!progress.live) return;
        spawnSync('pkill', ['-STOP', '-f', `^${sandbox.user.home}/.cache/wakechain`]);
        sandbox.allowSudo('not at all');
        cancel();
      },
    });
    assert.ok(run.outcome.kind === 'cancelled', run.log);
    assert.match(
      run.outcome.leftovers.join(),
      /the collector on gpu, which may still be recording .*sudo pkill/,
    );
    sandbox.allowSudo('without password');
    // With its sudo, which stops beside it.
    spawnSync('pkill', ['-KILL', '-f', `${sandbox.user.home}/.cache/wakechain`]);
    spawnSync('pkill', ['-KILL', '-u', sandbox.user.name]);
    for (const folder of bench.temporary()) rmSync(folder, { recursive: true });
  });

  test('the collector is killed: what it had recorded is saved, and the outcome says so', async () => {
    const run = await bench.runCapture({
      plan: { durationSeconds: 30 },
      onReport: progress => {
        if (progress.live && progress.live.events > 0)
          spawnSync('pkill', ['-KILL', '-f', `^${sandbox.user.home}/.cache/wakechain`]);
      },
    });
    const outcome = assertCaptured(run);
    assert.match(outcome.remarks.join(), /was saved/);
    const trace = new TraceFile(outcome.file);
    assert.ok(trace.number('SELECT count(*) FROM off_cpu') > 0);
    assert.notEqual(trace.meta('end_reason'), 'duration');
    trace.close();
    await bench.assertNothingRuns();
  });

  test('the command fails: its status is told, the trace is kept', async () => {
    const outcome = assertCaptured(
      await bench.runCapture({ plan: { target: { kind: 'command', line: 'exit 7' } } }),
    );
    assert.equal(outcome.commandExitStatus, 7);
  });

  test('a process that is not there: the collector says so', async () => {
    const { outcome, log } = await bench.runCapture({
      plan: { target: { kind: 'processes', pids: [2 ** 22 - 1] } },
    });
    assert.ok(outcome.kind === 'failed', log);
    assert.match(outcome.error.message, /\[\w+\]$/);
    await bench.assertNothingRuns();
  });

  test('this machine, without SSH', async () => {
    const cache = sandbox.path('cache');
    process.env['XDG_CACHE_HOME'] = cache;
    try {
      const run = await bench.runCapture({ connect: async () => localHost(), plan: { durationSeconds: 1 } });
      const outcome = assertCaptured(run);
      const trace = new TraceFile(outcome.file);
      assert.ok(trace.number('SELECT count(*) FROM cuda_call') > 0);
      trace.close();
    } finally {
      delete process.env['XDG_CACHE_HOME'];
    }
  });
});
