// Stories told to a real capture: the programs, one after the other, in one trace, each alone while the others wait; most
// of a short capture is its start. `perf` records the scheduler beside it.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCapture } from './capture.ts';
import { type Program, root, startWorkload, workloadCommand } from './programs.ts';
import type { Story } from './story.ts';
import { type LogLine, parseLog } from './truth.ts';
import { startWitness, Witness } from './witness.ts';

/** Names of the stories: each is a file of test/stories/. */
export const storyNames = (): string[] =>
  readdirSync(join(root, 'test', 'stories'))
    .filter(name => name.endsWith('.ts'))
    .map(name => name.slice(0, -'.ts'.length));

export async function loadStory(name: string): Promise<Story> {
  return ((await import(`../stories/${name}.ts`)) as { readonly story: Story }).story;
}

export const isQuiet = (story: Story): boolean => Object.keys(story.words).length === 0;

/** A story, or its quiet twin. */
export interface Telling {
  readonly name: string;
  readonly story: Story;
  readonly twin: boolean;
}

export type Log = readonly LogLine[];

/** What a capture leaves in its folder. */
export interface Captured {
  readonly trace: string;
  readonly logs: readonly Log[];
  readonly witness: Witness;
}

const files = (folder: string) => ({
  trace: join(folder, 'stories.wakechain.db'),
  perf: join(folder, 'perf.data'),
});

/** Captures the programs, each `seconds` long. */
export async function captureStories(
  tellings: readonly Telling[],
  seconds: number,
  folder: string,
): Promise<Captured> {
  const { trace, perf } = files(folder);
  const args = ({ story, twin }: Telling, i: number): readonly string[] => [
    ...(story.args ?? []),
    ...['--duration', String(seconds), '--log', join(folder, `log-${i}`)],
    ...(twin ? (story.twin ?? ['--twin']) : []),
  ];
  const [only] = tellings;
  const witness = startWitness(perf);
  try {
    if (only?.story.fromStart === true) {
      const command = [...workloadCommand(only.story.program), ...args(only, 0)];
      await (await startCapture(['--output', trace, ...whole, '--', ...command])).finished;
    } else {
      await captureWaiting(tellings, args, trace);
    }
    witness.kill('SIGINT');
    await witness.ended;
  } finally {
    witness.kill();
  }
  return capturedIn(folder, tellings.length);
}

/** A capture of `programs` that was made before. */
export function capturedIn(folder: string, programs: number): Captured {
  const { trace, perf } = files(folder);
  return {
    trace,
    logs: Array.from({ length: programs }, (_, i) =>
      parseLog(readFileSync(join(folder, `log-${i}`), 'utf8')),
    ),
    witness: new Witness(perf),
  };
}

async function captureWaiting(
  tellings: readonly Telling[],
  args: (telling: Telling, i: number) => readonly string[],
  trace: string,
): Promise<void> {
  const programs: Program[] = [];
  try {
    for (const [i, telling] of tellings.entries())
      programs.push(await startWorkload(telling.story.program, args(telling, i)));
    const targets = programs.flatMap(program => ['--pid', String(program.pid)]);
    const options = ['--output', trace, ...whole, '--duration', '60', '--control-stdin'];
    const capture = await startCapture([...options, ...targets]);
    for (const [i, program] of programs.entries()) {
      program.say('go');
      const status = await program.ended;
      if (status !== 0) throw new Error(`${tellings[i]?.name} ended with ${status}: ${program.words}`);
    }
    capture.program.say('stop');
    await capture.finished;
  } finally {
    for (const program of programs) program.kill();
  }
}

/** Nothing is left out to save time: on a machine with slow traps the governor would thin the storm. */
const whole = ['--overhead-percent', '0'];

/** In groups that go into one capture; who needs a start of its own is alone. */
export function grouped(tellings: readonly Telling[], most: number): readonly (readonly Telling[])[] {
  const groups: Telling[][] = [];
  for (const telling of tellings) {
    const group = telling.story.fromStart
      ? undefined
      : groups.find(others => others.length < most && !others[0]?.story.fromStart);
    if (group === undefined) groups.push([telling]);
    else group.push(telling);
  }
  return groups;
}
