// Workloads under way for the bench, alone or captured, one at a time: there are two cores. What they print is JSON, a
// line an object.

import { ofType, startCapture } from '../../test/lib/capture.ts';
import { Program, startWorkload, workloads } from '../../test/lib/programs.ts';

type Line = Readonly<Record<string, unknown>>;

export const workload = (name: string): string => `${workloads}/${name}`;

/** The objects among the lines of a program that has ended well; throws what it said where it has not. */
export async function objectsOf(program: Program): Promise<readonly Line[]> {
  const status = await program.ended;
  if (status !== 0) throw new Error(`${program.child.spawnfile} ended with ${status}: ${program.words}`);
  return program.lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Line);
}

/** Runs a workload to its end, alone. */
export function alone(name: string, args: readonly string[]): Promise<readonly Line[]> {
  const program = new Program(workload(name), args);
  program.child.stdin?.end();
  return objectsOf(program);
}

/** A number that a workload printed. */
export const printed = (lines: readonly Line[], key: string): number =>
  Number(lines.find(line => key in line)?.[key]);

/** Runs a workload while a capture of it is on, and stops the capture after it: its lines, and the capture's last. */
export async function captured(
  name: string,
  args: readonly string[],
  captureArgs: readonly string[],
): Promise<{ readonly workload: readonly Line[]; readonly finished: Line }> {
  const target = await startWorkload(name, args);
  try {
    const control = ['--duration', '120', '--control-stdin', ...captureArgs];
    const capture = await startCapture(['--pid', String(target.pid), ...control]);
    target.say('go');
    const lines = await objectsOf(target);
    capture.program.say('stop');
    return { workload: lines, finished: (await capture.finished).line };
  } finally {
    target.kill();
  }
}

/** Waits for a line of the collector of this type. */
export const lineOfType = (program: Program, type: string): Promise<Line> =>
  program.line(ofType(type), `line "${type}"`, 120);
