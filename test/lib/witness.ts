// A second recorder beside ours: `perf record` on the scheduler's tracepoints, over the whole machine.

import { execFileSync } from 'node:child_process';
import { Program } from './programs.ts';

/** Threads `noise-*` of a story switch a hundred thousand times a second, which is nobody's evidence. */
const EVENTS = [
  ...['-e', 'sched:sched_switch', '--filter', '!(prev_comm ~ "noise-*" && next_comm ~ "noise-*")'],
  ...['-e', 'sched:sched_wakeup', '--filter', '!(comm ~ "noise-*")'],
  ...['-e', 'sched:sched_wakeup_new'],
];

interface Interval {
  /** CLOCK_MONOTONIC. */
  readonly startNs: number;
  readonly endNs: number;
}

/** Begins to record; ends with SIGINT. What it loses it cannot bear out, which counts against the finding. */
export function startWitness(data: string): Program {
  const args = ['record', '-q', '-a', '-k', 'CLOCK_MONOTONIC', '-m', '32M', ...EVENTS, '-o', data];
  return new Program('perf', args);
}

/** What was recorded, read when it is first asked for. */
export class Witness {
  readonly #data: string;
  #waits: ReadonlyMap<number, readonly Interval[]> | undefined;

  constructor(data: string) {
    this.#data = data;
  }

  /** How long a thread waited for a CPU between two times, as `perf` saw it. */
  waitedNs(tid: number, startNs: number, endNs: number): number {
    this.#waits ??= parseWaits(this.#script());
    return (this.#waits.get(tid) ?? []).reduce(
      (sum, wait) => sum + Math.max(0, Math.min(wait.endNs, endNs) - Math.max(wait.startNs, startNs)),
      0,
    );
  }

  /** The same by `perf sched timehist`, from the first to the last time that the thread left its CPU. */
  timehist(tid: number): Interval & { readonly waitedNs: number } {
    const args = ['sched', 'timehist', '-i', this.#data, '--state', '--tid', String(tid)];
    const text = execFileSync('perf', args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return readTimehist(text);
  }

  #script(): string {
    const args = ['script', '-i', this.#data, '--ns', '-F', 'tid,time,event,trace'];
    return execFileSync('perf', args, {
      encoding: 'utf8',
      maxBuffer: 1 << 29,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }
}

const LEFT = /^ *(\d+\.\d{6}) +\[\d+\] .*\] +([\d.]+) +([\d.]+) +[\d.]+ +(\S+)/gm;

/**
 * A line of timehist stands for a thread's leaving its CPU: when, how long it had waited before (asleep, or preempted where
 * the line before says that it left able to run), how long it had been woken without a CPU.
 */
export function readTimehist(text: string): Interval & { readonly waitedNs: number } {
  const lines = [...text.matchAll(LEFT)].map(([, at, wait, delay, state]) => ({
    atNs: Math.round(Number(at) * 1e9),
    waitNs: Number(wait) * 1e6,
    delayNs: Number(delay) * 1e6,
    ableToRun: state?.startsWith('R') === true,
  }));
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined)
    throw new Error(`no line of timehist: ${text.slice(0, 300)}`);
  const waitedNs = lines
    .slice(1)
    .reduce((sum, line, i) => sum + line.delayNs + (lines[i]?.ableToRun === true ? line.waitNs : 0), 0);
  return { startNs: first.atNs, endNs: last.atNs, waitedNs };
}

const LINE = /^\s*(\d+) +(\d+)\.(\d{9}): +sched:(\w+): (.*)$/gm;
const SWITCH = /prev_pid=(\d+) .*prev_state=(\S+) ==> .*next_pid=(\d+) /;
const WAKEUP = /pid=(\d+) prio=/;

/**
 * From the lines of `perf script`: when each thread could have run and did not, by tid; CLOCK_MONOTONIC. Some hosts hide
 * threads from every recorder: who got the CPU from one of those was seen to wait, and then to do something.
 */
export function parseWaits(script: string): ReadonlyMap<number, readonly Interval[]> {
  const since = new Map<number, number>();
  const waits = new Map<number, Interval[]>();
  const runs = (tid: number, endNs: number): void => {
    const startNs = since.get(tid);
    if (startNs === undefined) return;
    since.delete(tid);
    const known = waits.get(tid) ?? [];
    known.push({ startNs, endNs });
    waits.set(tid, known);
  };
  for (const [, current, seconds, nanoseconds, event, text] of script.matchAll(LINE)) {
    const atNs = Number(seconds) * 1e9 + Number(nanoseconds);
    runs(Number(current), atNs);
    if (event === 'sched_switch') {
      const [, previous, state, next] = SWITCH.exec(text ?? '') ?? [];
      runs(Number(next), atNs);
      if (state?.startsWith('R')) since.set(Number(previous), atNs);
    } else {
      const tid = Number(WAKEUP.exec(text ?? '')?.[1]);
      if (!since.has(tid)) since.set(tid, atNs);
    }
  }
  return waits;
}
