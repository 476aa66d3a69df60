// Starting workloads, captures and rivals for the bench, one at a time: there are two cores.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

type Line = Record<string, unknown>;

export const collector = (root: string): string =>
  join(root, 'dist/collector', process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64', 'wakechain-collector');

export const workload = (root: string, name: string): string => join(root, 'test/build/workloads', name);

/** JSON lines of standard output, the exit status, and the lines of standard error. */
export interface Ended {
  readonly lines: readonly Line[];
  readonly status: number;
  readonly said: readonly string[];
}

/** A program under way whose JSON lines can be waited for. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #lines: Line[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(program: string, args: readonly string[], environment: Record<string, string> = {}) {
    this.child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const said: string[] = [];
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    createInterface({ input: stdout }).on('line', text => {
      this.#lines.push(parse(text));
      for (const wake of this.#waiting.splice(0)) wake();
    });
    createInterface({ input: stderr }).on('line', text => said.push(text));
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', status => {
        for (const wake of this.#waiting.splice(0)) wake();
        resolve({ lines: this.#lines, status: status ?? 1, said });
      });
    });
  }

  /** The first line for which `wanted` holds; throws when the program ends without one. */
  async line(wanted: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.#lines.find(wanted);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        const { said } = await this.ended;
        throw new Error(`${this.child.spawnfile} ended early: ${said.slice(-5).join(' | ')}`);
      }
      await new Promise<void>(resolve => this.#waiting.push(resolve));
    }
  }

  /** A line to its standard input. */
  say(text: string): void {
    this.child.stdin?.write(`${text}\n`);
  }
}

/** A line that is no JSON object is kept as { text }. */
function parse(text: string): Line {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // what a workload says in words
  }
  return { text };
}

/** Runs a workload to its end, alone. */
export async function alone(program: string, args: readonly string[]): Promise<readonly Line[]> {
  const running = new Program(program, args);
  running.child.stdin?.end();
  const { lines, status, said } = await running.ended;
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${said.slice(-3).join(' | ')}`);
  return lines;
}

/**
 * Runs a workload that waits for its start while a capture of it is on, and stops the capture after it.
 * Resolves with the workload's lines and the capture's.
 */
export async function captured(
  root: string,
  program: string,
  args: readonly string[],
  captureArgs: readonly string[],
): Promise<{ workload: readonly Line[]; capture: readonly Line[] }> {
  const target = new Program(program, [...args, '--wait-start']);
  await target.line(line => typeof line['text'] === 'string' && line['text'].startsWith('ready'));
  const capture = new Program(collector(root), [
    'capture',
    '--pid',
    String(target.child.pid),
    '--duration',
    '120',
    '--control-stdin',
    ...captureArgs,
  ]);
  await capture.line(line => line['type'] === 'started');
  target.say('go');
  const workload = await target.ended;
  capture.say('stop');
  const { lines, said } = await capture.ended;
  if (lines.at(-1)?.['type'] !== 'finished') {
    throw new Error(`the capture failed: ${JSON.stringify(lines.at(-1))} ${said.slice(-3).join(' | ')}`);
  }
  return { workload: workload.lines, capture: lines };
}

/** A folder that is gone when the body is done. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wakechain-bench-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
