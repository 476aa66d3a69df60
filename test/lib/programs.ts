// Starts what a heavy test needs: a workload of test/workloads/, the collector that was built, a Node program. Every one
// is a child of the test, ended with it, and its words are kept for the message of a failure.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const workloads = join(root, 'test', 'build', 'workloads');
export const fakeCuda = join(root, 'test', 'build', 'fakecuda');

/** The collector under test: the one of dist/, or another that WAKECHAIN_COLLECTOR names (a debug build). */
export const collector =
  process.env['WAKECHAIN_COLLECTOR'] ??
  join(root, 'dist', 'collector', `linux-${process.arch}`, 'wakechain-collector');

/** Builds the stand-in libraries and the workloads where they are older than their sources. */
export function buildWorkloads(): void {
  execFileSync(process.execPath, [join(root, 'test', 'workloads', 'build.mjs')], { stdio: 'pipe' });
}

/** Says what is missing before a test fails on it. */
export function needBuilt(...paths: readonly string[]): void {
  for (const path of paths)
    if (!existsSync(path)) throw new Error(`${path} is not built: run npm run build -- --quick`);
}

export const makeFolder = (): string => mkdtempSync(join(tmpdir(), 'wakechain-test-'));

/** A folder that is gone after `use`, whatever happens. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = makeFolder();
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A running program whose standard output is read line by line. */
export class Program {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  /**
   * Resolves when the program has ended and all its output was read: exit status, the signal's name, or 'error' where
   * it could not be started.
   */
  readonly ended: Promise<number | string>;
  #words = '';
  #waiting: (() => void)[] = [];
  #over = false;

  constructor(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(command, args, {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stderr?.on('data', (data: Buffer) => {
      this.#words = (this.#words + data.toString()).slice(-20_000);
    });
    // A write to a program that has ended fails here; its exit status says more.
    this.child.stdin?.on('error', () => {});
    if (this.child.stdout !== null)
      createInterface({ input: this.child.stdout }).on('line', line => {
        this.lines.push(line);
        this.#wake();
      });
    this.ended = new Promise(resolve => {
      const end = (status: number | string) => {
        this.#over = true;
        this.#wake();
        resolve(status);
      };
      this.child.once('close', (code, signal) => end(code ?? signal ?? 'nothing'));
      // A program that is not there: `words` says so, and whoever waits for a line of it is told.
      this.child.once('error', error => {
        this.#words += error.message;
        end('error');
      });
    });
  }

  /** The end of its standard error. */
  get words(): string {
    return this.#words;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.child.spawnfile} could not be started`);
    return this.child.pid;
  }

  /** The first line that `wanted` turns into a value; fails when the program ends, or after `seconds`. */
  async line<T>(wanted: (line: string) => T | undefined, what: string, seconds = 60): Promise<T> {
    const deadline = Date.now() + seconds * 1000;
    for (let at = 0; ; ) {
      for (; at < this.lines.length; at++) {
        const value = wanted(this.lines[at] ?? '');
        if (value !== undefined) return value;
      }
      if (this.#over || Date.now() > deadline)
        throw new Error(
          `${this.child.spawnargs.join(' ')}: no ${what} ${this.#over ? 'before it ended' : `in ${seconds} s`}; ` +
            `it said: ${this.lines.slice(-5).join('\n')}\n${this.words}`,
        );
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, 1000);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** How a workload is started: NAME for a program in C, NAME.py for one in Python. */
export const workloadCommand = (name: string): readonly [string, ...string[]] =>
  name.endsWith('.py') ? ['python3', join(root, 'test', 'workloads', name)] : [join(workloads, name)];

/** A workload that is loaded and waits for `say('go')`. */
export async function startWorkload(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const [command, ...first] = workloadCommand(name);
  const program = new Program(command, [...first, ...args, '--wait-start'], environment);
  await program.line(line => (line.startsWith('ready ') ? true : undefined), 'line "ready"');
  return program;
}

/** A Python program that says `ready` when it is; ended when `use` is over. */
export async function withPython(script: string, use: (program: Program) => Promise<void>): Promise<void> {
  const program = new Program('python3', ['-c', script]);
  try {
    await program.line(line => (line === 'ready' ? true : undefined), 'line "ready"');
    await use(program);
  } finally {
    program.kill();
  }
}
