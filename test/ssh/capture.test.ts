// A whole capture over a real sshd with the real collector, as an unprivileged user with sudo: what comes back, and what
// is left on the host when it is cancelled in any of its stages (nothing).

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { CapturePlan } from '../../extension/capture/plan.ts';
import {
  type CaptureOutcome,
  type CaptureRequest,
  capture,
  type Progress,
} from '../../extension/capture/session.ts';
import { localHost } from '../../extension/remote/local-host.ts';
import type { Prompts } from '../../extension/remote/prompts.ts';
import { connectHost } from '../../extension/remote/ssh-host.ts';
import { parseTarget } from '../../extension/remote/target.ts';
import { buildWorkloads, collector, fakeCuda, needBuilt, startWorkload, workloads } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { connectOptions, Sandbox, type SshServer, scripted, sleep, whyNoServer } from './harness.ts';

const skip = whyNoServer() ?? false;

describe('a capture over SSH', { skip }, () => {
  let sandbox: Sandbox;
  let server: SshServer;
  let configFile: string;
  let programsBefore: ReadonlySet<number>;

  before(async () => {
    needBuilt(collector);
    buildWorkloads();
    sandbox = new Sandbox();
    sandbox.allowSudo('without password');
    const key = sandbox.hostKey('host-ed25519');
    server = await sandbox.server({ hostKeys: [key.file] });
    const known = sandbox.write('known', `[127.0.0.1]:${server.port} ${key.line}\n`);
    configFile = sandbox.config(
      `Host gpu\n HostName 127.0.0.1\n Port ${server.port}\n User ${sandbox.user.name}\n UserKnownHostsFile ${known}\n IdentityAgent none\n IdentityFile ${sandbox.user.keyFile}\n`,
    );
    // Where an unprivileged user can run them, wherever the checkout lies.
    cpSync(workloads, sandbox.path('build/workloads'), { recursive: true });
    cpSync(fakeCuda, sandbox.path('build/fakecuda'), { recursive: true });
  });
  after(() => sandbox?.dispose());
  beforeEach(() => {
    sandbox.allowSudo('without password');
    programsBefore = new Set(bpfPrograms().keys());
  });

  interface Run {
    readonly outcome: CaptureOutcome;
    readonly reports: readonly Progress[];
    readonly asked: readonly string[];
    readonly log: string;
  }

  interface RunOptions {
    readonly plan?: Partial<CapturePlan>;
    readonly answers?: Partial<Prompts>;
    readonly connect?: CaptureRequest['connect'];
    onReport?(progress: Progress, control: { cancel(): void; stop(): void }): void;
  }

  const demoLine = (): string => `${sandbox.path('build/workloads/demo')} --duration 2 --log /dev/null`;

  async function runCapture(options: RunOptions = {}): Promise<Run> {
    const cancel = new AbortController();
    const stop = new AbortController();
    const reports: Progress[] = [];
    const log: string[] = [];
    const { prompts, asked } = scripted(options.answers);
    const outcome = await capture({
      connect:
        options.connect ??
        (signal => connectHost(parseTarget('gpu'), connectOptions(sandbox, configFile, prompts, signal))),
      collector: async () => ({ file: collector, bytes: statSync(collector).size }),
      version: '0.0.0',
      prompts,
      choose: async () => ({
        target: { kind: 'command', line: demoLine() },
        durationSeconds: undefined,
        profile: 'standard',
        ...options.plan,
      }),
      directory: mkdtempSync(sandbox.path('traces-')),
      now: new Date(),
      cancel: cancel.signal,
      stop: stop.signal,
      report: progress => {
        reports.push(progress);
        options.onReport?.(progress, { cancel: () => cancel.abort(), stop: () => stop.abort() });
      },
      log: line => log.push(line),
    });
    return { outcome, reports, asked, log: log.join('\n') };
  }

  function assertCaptured({ outcome, log }: Run): Extract<CaptureOutcome, { kind: 'captured' }> {
    assert.ok(
      outcome.kind === 'captured',
      `${outcome.kind === 'failed' ? `${outcome.stage}: ${outcome.error.message}` : outcome.kind}\n${log}`,
    );
    return outcome;
  }

  /** What lies in the home of the user and in the temporary directories. */
  const cached = (): string[] => globSync(join(sandbox.user.home, '.cache/**/*')).sort();
  const temporary = (): string[] =>
    [...globSync('/var/tmp/wakechain-*'), ...globSync('/tmp/wakechain-[0-9a-f]*')].filter(
      path => existsSync(path) && statSync(path).uid === sandbox.user.uid,
    );
  /** Everything that runs as the user, but for its connections and the dead that await their parent, and every collector of its cache, whoever runs it. */
  const processes = (): string => {
    const list = (...args: string[]): string =>
      spawnSync('pgrep', ['-a', ...args], { encoding: 'utf8' }).stdout;
    const own = list('-u', sandbox.user.name)
      .split('\n')
      .filter(line => line !== '' && !/^\d+ \[?sshd|<defunct>$/.test(line));
    return own.join('\n') + list('-f', `${sandbox.user.home}/.cache/wakechain`);
  };

  /** BPF programs that came since the test began and that no other process on this machine holds. */
  function strayPrograms(): string[] {
    return [...bpfPrograms()]
      .filter(([id, program]) => !programsBefore.has(id) && program.pids.every(pid => ownedByUs(pid)))
      .map(([id, program]) => `${id} ${program.name}`);
  }
  const ownedByUs = (pid: number): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(sandbox.user.home);
    } catch {
      return true;
    }
  };

  async function assertNothingRuns(): Promise<void> {
    assert.equal(processes(), '');
    // The kernel lets go of programs a moment after their last link.
    let strays = strayPrograms();
    for (let attempt = 0; attempt < 50 && strays.length > 0; attempt++) {
      await sleep(100);
      const still = strayPrograms();
      strays = strays.filter(program => still.includes(program));
    }
    assert.deepEqual(strays, []);
    assert.deepEqual(temporary(), []);
  }

  test('the trace arrives whole, is what the collector recorded, and nothing but the collector stays', async () => {
    const run = await runCapture();
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
    await assertNothingRuns();
    const kept = cached().filter(path => statSync(path).isFile());
    assert.equal(kept.length, 1, String(kept));
    assert.equal(statSync(kept[0] ?? '').mode & 0o777, 0o700);
    assert.equal(statSync(join(kept[0] ?? '', '..')).mode & 0o777, 0o700);
  });

  test('the second time the collector is there; a changed one is not run but replaced', async () => {
    const bytes = (run: Run): number =>
      run.reports.filter(report => report.stage === 'upload' && report.bytes).length;
    const again = await runCapture({ plan: { durationSeconds: 0.5 } });
    assertCaptured(again);
    assert.equal(bytes(again), 0);
    const [file = ''] = cached().filter(path => statSync(path).isFile());
    writeFileSync(file, '#!/bin/sh\necho evil >/tmp/wakechain-evil\n');
    const replaced = await runCapture({ plan: { durationSeconds: 0.5 } });
    assertCaptured(replaced);
    assert.ok(bytes(replaced) > 0);
    assert.ok(!existsSync('/tmp/wakechain-evil'));
    assert.ok(readFileSync(file).equals(readFileSync(collector)));
  });

  test('a running process; stopped early, what was recorded is kept', async () => {
    const demo = await startWorkload('demo', ['--no-spinner', '--duration', '60', '--log', '/dev/null']);
    demo.say('go');
    try {
      const run = await runCapture({
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
      await assertNothingRuns();
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
        const run = await runCapture({
          plan: long,
          onReport: (progress, { cancel }) => {
            if (when(progress)) cancel();
          },
        });
        assert.equal(run.outcome.kind, 'cancelled', run.log);
        assert.ok(run.outcome.kind === 'cancelled');
        assert.equal(run.outcome.stage, stage);
        assert.deepEqual(run.outcome.leftovers, []);
        await assertNothingRuns();
        assert.ok(!existsSync(join(sandbox.user.home, '.cache')), String(cached()));
      });
  });

  describe('sudo', () => {
    test('a password: asked once, again when it was wrong, and in no log', async () => {
      sandbox.allowSudo('with password');
      const answers = ['wrong', sandbox.user.password];
      const run = await runCapture({
        plan: { durationSeconds: 0.5 },
        answers: { sudoPassword: async () => answers.shift() },
      });
      assertCaptured(run);
      assert.deepEqual(run.asked, ['sudo', 'sudo again']);
      assert.ok(!run.log.includes(sandbox.user.password));
      await assertNothingRuns();
    });

    test('no rule for the user: said, with nothing left behind', async () => {
      sandbox.allowSudo('not at all');
      const { outcome, log } = await runCapture({
        answers: { sudoPassword: async () => sandbox.user.password },
      });
      assert.ok(outcome.kind === 'failed', log);
      assert.equal(outcome.error.reason, 'sudo_refused');
      await assertNothingRuns();
    });
  });

  test('the connection breaks while recording: the message says where the trace will be, and there it is', async () => {
    const run = await runCapture({
      plan: { durationSeconds: 3, target: { kind: 'command', line: 'sleep 3' } },
      onReport: progress => {
        if (progress.live) killSessions(sandbox.user.name);
      },
    });
    assert.ok(run.outcome.kind === 'failed', run.log);
    assert.equal(run.outcome.error.reason, 'connection_lost');
    assert.equal(run.outcome.stage, 'record');
    const [left = ''] = run.outcome.leftovers;
    const file = /\/\S+\.wakechain\.db/.exec(left)?.[0] ?? '';
    for (let attempt = 0; attempt < 150 && processes() !== ''; attempt++) await sleep(100);
    assert.equal(processes(), '');
    assert.ok(existsSync(file), `${left}: ${temporary()}`);
    const trace = new TraceFile(file);
    assert.ok(trace.number('SELECT count(*) FROM meta') > 0);
    trace.close();
    for (const directory of temporary()) rmSync(directory, { recursive: true });
    await assertNothingRuns();
  });

  test('the connection breaks while fetching: the whole trace stays on the host, and the message says where', async () => {
    const run = await runCapture({
      plan: { durationSeconds: 0.5 },
      onReport: ({ stage }) => {
        if (stage === 'pull') killSessions(sandbox.user.name);
      },
    });
    assert.ok(run.outcome.kind === 'failed', run.log);
    assert.equal(run.outcome.error.reason, 'connection_lost');
    const file = /\/\S+\.wakechain\.db/.exec(run.outcome.leftovers[0] ?? '')?.[0] ?? '';
    assert.ok(existsSync(file), String(run.outcome.leftovers));
    for (const directory of temporary()) rmSync(directory, { recursive: true });
    await assertNothingRuns();
  });

  test('the collector is killed: what it had recorded is saved, and the outcome says so', async () => {
    const run = await runCapture({
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
    await assertNothingRuns();
  });

  test('the command fails: its status is told, the trace is kept', async () => {
    const outcome = assertCaptured(
      await runCapture({ plan: { target: { kind: 'command', line: 'exit 7' } } }),
    );
    assert.equal(outcome.commandExitStatus, 7);
  });

  test('a process that is not there: the collector says so', async () => {
    const { outcome, log } = await runCapture({
      plan: { target: { kind: 'processes', pids: [2 ** 22 - 1] } },
    });
    assert.ok(outcome.kind === 'failed', log);
    assert.match(outcome.error.message, /\[\w+\]$/);
    await assertNothingRuns();
  });

  test('this machine, without SSH', async () => {
    const cache = sandbox.path('cache');
    process.env['XDG_CACHE_HOME'] = cache;
    try {
      const run = await runCapture({ connect: async () => localHost(), plan: { durationSeconds: 1 } });
      const outcome = assertCaptured(run);
      const trace = new TraceFile(outcome.file);
      assert.ok(trace.number('SELECT count(*) FROM cuda_call') > 0);
      trace.close();
    } finally {
      delete process.env['XDG_CACHE_HOME'];
    }
  });
});

interface BpfProgram {
  readonly name: string;
  readonly pids: readonly number[];
}

function bpfPrograms(): Map<number, BpfProgram> {
  const listed: { id: number; name?: string; pids?: { pid: number }[] }[] = JSON.parse(
    execFileSync('bpftool', ['-j', 'prog', 'show'], { encoding: 'utf8', maxBuffer: 1 << 26 }),
  );
  return new Map(
    listed.map(({ id, name = '', pids = [] }) => [id, { name, pids: pids.map(({ pid }) => pid) }]),
  );
}

/** The ends of the user's connections on the server, and no process beside them. */
function killSessions(user: string): void {
  const { stdout } = spawnSync('pgrep', ['-u', user, '-x', 'sshd'], { encoding: 'utf8' });
  for (const pid of stdout.trim().split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
}
