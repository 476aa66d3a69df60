// A host for captures: a real sshd with an unprivileged user who may sudo, the real collector, and eyes for whatever a
// capture leaves there: files, processes, BPF programs.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptureOutcome, Kept } from '../../extension/capture/outcome.ts';
import type { CapturePlan } from '../../extension/capture/plan.ts';
import type { Errand, Progress } from '../../extension/capture/prepare.ts';
import { type CaptureRequest, capture, fetchKept } from '../../extension/capture/session.ts';
import type { RemoteHost } from '../../extension/remote/host.ts';
import type { Prompts } from '../../extension/remote/prompts.ts';
import { connectHost } from '../../extension/remote/ssh-host.ts';
import { parseTarget } from '../../extension/remote/target.ts';
import { buildWorkloads, collector, fakeCuda, needBuilt, workloads } from '../lib/programs.ts';
import { connectOptions, Sandbox, type SshServer, scripted, sleep } from './harness.ts';

export interface Run {
  readonly outcome: CaptureOutcome;
  readonly reports: readonly Progress[];
  readonly asked: readonly string[];
  readonly log: string;
}

interface RunOptions {
  readonly plan?: Partial<CapturePlan>;
  readonly answers?: Partial<Prompts>;
  readonly connect?: CaptureRequest['connect'];
  readonly patienceMs?: number;
  /** Where traces are kept on this machine; else a new folder. */
  readonly directory?: string;
  onReport?(progress: Progress, control: { cancel(): void; stop(): void }): void;
  /** Sees each program that is asked for on the host, right after the request went out. */
  onExec?(argv: readonly string[], control: { cancel(): void }): void;
}

export class CaptureBench {
  readonly sandbox: Sandbox;
  readonly server: SshServer;
  readonly #configFile: string;
  #programsBefore: ReadonlySet<number> = new Set();

  private constructor(sandbox: Sandbox, server: SshServer, configFile: string) {
    this.sandbox = sandbox;
    this.server = server;
    this.#configFile = configFile;
  }

  static async open(options: { readonly varTmpBytes?: number } = {}): Promise<CaptureBench> {
    needBuilt(collector);
    buildWorkloads();
    const sandbox = new Sandbox();
    sandbox.allowSudo('without password');
    const key = sandbox.hostKey('host-ed25519');
    const server = await sandbox.server({ hostKeys: [key.file], ...options });
    const known = sandbox.write('known', `[127.0.0.1]:${server.port} ${key.line}\n`);
    const configFile = sandbox.config(
      `Host gpu\n HostName 127.0.0.1\n Port ${server.port}\n User ${sandbox.user.name}\n UserKnownHostsFile ${known}\n IdentityAgent none\n IdentityFile ${sandbox.user.keyFile}\n`,
    );
    // Where an unprivileged user can run them, wherever the checkout lies.
    cpSync(workloads, sandbox.path('build/workloads'), { recursive: true });
    cpSync(fakeCuda, sandbox.path('build/fakecuda'), { recursive: true });
    return new CaptureBench(sandbox, server, configFile);
  }

  close(): Promise<void> {
    return this.sandbox.dispose();
  }

  /** Before each test. */
  begin(): void {
    this.sandbox.allowSudo('without password');
    this.#programsBefore = new Set(bpfPrograms().keys());
  }

  readonly demoLine = (seconds = 2): string =>
    `${this.sandbox.path('build/workloads/demo')} --duration ${seconds} --log /dev/null`;

  runCapture(options: RunOptions = {}): Promise<Run> {
    return this.#run(options, (errand, stop) =>
      capture({
        ...errand,
        choose: async () => ({
          target: { kind: 'command', line: this.demoLine() },
          durationSeconds: undefined,
          profile: 'standard',
          ...options.plan,
        }),
        now: new Date(),
        stop,
      }),
    );
  }

  runFetch(kept: Kept, options: RunOptions = {}): Promise<Run> {
    return this.#run(options, errand => fetchKept(errand, kept));
  }

  async #run(
    options: RunOptions,
    work: (errand: Errand, stop: AbortSignal) => Promise<CaptureOutcome>,
  ): Promise<Run> {
    const cancel = new AbortController();
    const stop = new AbortController();
    const control = { cancel: () => cancel.abort(), stop: () => stop.abort() };
    const reports: Progress[] = [];
    const log: string[] = [];
    const { prompts, asked } = scripted(options.answers);
    const connect = async (signal: AbortSignal): Promise<RemoteHost> => {
      const host = await connectHost(
        parseTarget('gpu'),
        connectOptions(this.sandbox, this.#configFile, prompts, signal),
      );
      return watched(host, argv => options.onExec?.(argv, control));
    };
    const outcome = await work(
      {
        connect: options.connect ?? connect,
        collector: async () => ({ file: collector, bytes: statSync(collector).size }),
        version: '0.0.0',
        prompts,
        directory: options.directory ?? mkdtempSync(this.sandbox.path('traces-')),
        cancel: cancel.signal,
        ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
        report: progress => {
          reports.push(progress);
          options.onReport?.(progress, control);
        },
        log: line => log.push(line),
      },
      stop.signal,
    );
    return { outcome, reports, asked, log: log.join('\n') };
  }

  /** What lies in the cache of the user. */
  cached(): string[] {
    return globSync(join(this.sandbox.user.home, '.cache/**/*')).sort();
  }

  /** Folders of captures on the host. */
  temporary(): string[] {
    return [...globSync(`${this.server.varTmp}/wakechain-*`), ...globSync('/tmp/wakechain-[0-9a-f]*')].filter(
      path => existsSync(path) && statSync(path).uid === this.sandbox.user.uid,
    );
  }

  /** Everything that runs as the user, but for its connections and the dead that await their parent, and every collector of its cache, whoever runs it. */
  processes(): string {
    const list = (...args: string[]): string =>
      spawnSync('pgrep', ['-a', ...args], { encoding: 'utf8' }).stdout;
    const own = list('-u', this.sandbox.user.name)
      .split('\n')
      .filter(line => line !== '' && !/^\d+ \[?sshd|<defunct>$/.test(line));
    return own.join('\n') + list('-f', `${this.sandbox.user.home}/.cache/wakechain`);
  }

  async assertNothingRuns(): Promise<void> {
    assert.equal(this.processes(), '');
    // The kernel lets go of programs a moment after their last link.
    let strays = this.#strayPrograms();
    for (let attempt = 0; attempt < 50 && strays.length > 0; attempt++) {
      await sleep(100);
      const still = this.#strayPrograms();
      strays = strays.filter(program => still.includes(program));
    }
    assert.deepEqual(strays, []);
    assert.deepEqual(this.temporary(), []);
  }

  /** BPF programs that came since the test began and that no other process on this machine holds. */
  #strayPrograms(): string[] {
    const isOurs = (pid: number): boolean => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.sandbox.user.home);
      } catch {
        return true;
      }
    };
    return [...bpfPrograms()]
      .filter(([id, program]) => !this.#programsBefore.has(id) && program.pids.every(isOurs))
      .map(([id, program]) => `${id} ${program.name}`);
  }
}

export function assertCaptured({ outcome, log }: Run): Extract<CaptureOutcome, { kind: 'captured' }> {
  assert.ok(
    outcome.kind === 'captured',
    `${outcome.kind === 'failed' ? `${outcome.stage}: ${outcome.error.message}` : outcome.kind}\n${log}`,
  );
  return outcome;
}

export function assertFailed({ outcome, log }: Run): Extract<CaptureOutcome, { kind: 'failed' }> {
  assert.ok(outcome.kind === 'failed', `${outcome.kind}\n${log}`);
  return outcome;
}

const watched = (host: RemoteHost, onExec: (argv: readonly string[]) => void): RemoteHost => ({
  name: host.name,
  closed: host.closed,
  dispose: () => host.dispose(),
  exec: (argv, signal) => {
    const process = host.exec(argv, signal);
    onExec(argv);
    return process;
  },
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
export function killSessions(user: string): void {
  const { stdout } = spawnSync('pgrep', ['-u', user, '-x', 'sshd'], { encoding: 'utf8' });
  for (const pid of stdout.trim().split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
}
