// A capture by the collector that was built, as the tests drive it: its progress as JSON lines, its end as a value.

import { collector, needBuilt, Program } from './programs.ts';

export interface Finished {
  readonly file: string;
  readonly lost: number;
  /** The whole line, for what a single test wants of it. */
  readonly line: Readonly<Record<string, unknown>>;
}

export interface Capture {
  readonly program: Program;
  readonly started: Readonly<Record<string, unknown>>;
  /** The `finished` line; rejects with what the collector said when there is none. */
  readonly finished: Promise<Finished>;
}

/** Starts `wakechain-collector capture` and waits until its probes are in. `--output` is among the arguments. */
export async function startCapture(args: readonly string[]): Promise<Capture> {
  needBuilt(collector);
  const program = new Program(collector, ['capture', ...args]);
  const started = await program.line(ofType('started'), 'line "started"');
  const finished = program.line(ofType('finished'), 'line "finished"', 120).then(line => ({
    file: String(line['file']),
    lost: Number(line['lost']),
    line,
  }));
  // Whoever does not wait for the end is told by `program.ended`.
  finished.catch(() => {});
  return { program, started, finished };
}

/** A line of the collector, when it is of this type. */
export const ofType =
  (type: string) =>
  (line: string): Readonly<Record<string, unknown>> | undefined => {
    const value: unknown = line.startsWith('{') ? JSON.parse(line) : undefined;
    if (typeof value !== 'object' || value === null || !('type' in value) || value.type !== type)
      return undefined;
    return value as Readonly<Record<string, unknown>>;
  };
