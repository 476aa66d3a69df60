// Runs of stories and of their quiet twins: what the engine found in a real capture, and what it said of it, held against
// the programs' own logs.

import type { Cause, CauseNode } from '../../extension/trace/api.ts';
import { ns, type Span } from '../../extension/trace/time.ts';
import { isBorneOut } from './borne-out.ts';
import { type Found, StoryTrace } from './found.ts';
import { buildWorkloads, withFolder } from './programs.ts';
import { paths, score } from './score.ts';
import { isSteps, type Logged, MACHINE, type Steps, type Story, says } from './story.ts';
import { type Captured, captureStories, type Log, type Telling } from './tell.ts';
import { type LogLine, traceClock, unconservedNs } from './truth.ts';
import type { Witness } from './witness.ts';

export interface Outcome {
  readonly delays: number;
  readonly trueNs: number;
  readonly blamedNs: number;
  readonly rightNs: number;
  readonly unconservedNs: number;
  /** Of the story: whether the first finding is of the right kind and names thread, object and leaf. */
  readonly topRight: boolean;
  readonly top: string;
  /** Of the twin: causes and leads. */
  readonly falseFindings: readonly string[];
  /** Causes and leads that are no part of the story, and true as others saw it (borne-out.ts). */
  readonly borneOut: readonly string[];
  /** What was said instead, and for how many nanoseconds, the most first. */
  readonly wrong: readonly (readonly [string, number])[];
}

export interface Truth {
  readonly pid: number;
  /** When the program was at work. */
  readonly window: Span;
  readonly delays: readonly Logged[];
  readonly stretches: readonly Logged[];
  /** When threads had no CPU by their own clocks (borne-out.ts). */
  readonly queued: readonly Logged[];
  readonly stolen: readonly Logged[];
  /** From the time of the trace to CLOCK_MONOTONIC. */
  readonly monotonic: (ns: number) => number;
}

/** The program's log in the time of the trace. */
export function truthOf(log: Log, { startUnixNs, durationNs }: StoryTrace): Truth {
  const workload = log.find(line => line.type === 'workload');
  if (workload === undefined) throw new Error('the log has no line of type "workload"');
  const at = traceClock(workload, startUnixNs);
  const read = (line: LogLine): Logged => ({
    word: String(line['word']),
    thread: String(line['thread']),
    tid: Number(line['tid']),
    object: Number(line['object'] ?? 0),
    startNs: at(Number(line['start_ns'])),
    endNs: at(Number(line['end_ns'])),
  });
  const of = (type: string) => log.filter(line => line.type === type).map(read);
  const clip = (key: string) => ns(Math.min(durationNs, Math.max(0, at(Number(workload[key])))));
  return {
    pid: Number(workload['pid']),
    window: { startNs: clip('start_ns'), endNs: clip('end_ns') },
    delays: of('delay').filter(({ startNs, endNs }) => startNs >= 0 && endNs <= durationNs),
    stretches: of('stretch'),
    queued: of('queued'),
    stolen: of('stolen'),
    monotonic: time => time - at(0),
  };
}

/** Whether half of the finding's worst example says what the story is about. */
function isRight(found: Cause | undefined, story: Story, { delays, stretches }: Truth): boolean {
  const [example] = found?.examples ?? [];
  if (found === undefined || example === undefined || found.kind !== (story.top ?? 'cause')) return false;
  if (story.root !== undefined && example.edge !== story.root) return false;
  // A wake-up on its way is never what a story is about: of such a word's ways those that name no link do not count.
  const links = (steps: Steps): boolean => steps.length > 1 || steps[0].edge !== undefined;
  const all = Object.entries(story.words).map(
    ([word, wanted]) => [word, isSteps(wanted) ? wanted : wanted.filter(links)] as const,
  );
  const during = (each: Logged) =>
    each.startNs < example.startNs + example.durationNs && each.endNs > example.startNs;
  const near = [...delays, ...stretches].filter(during);
  const [delay] = near;
  if (delay === undefined) return false;
  const right = paths(example).filter(path =>
    all.some(([word, steps]) =>
      near.some(culprit => culprit.word === word && says(path, steps, delay, culprit)),
    ),
  );
  const rightNs = right.reduce((sum, path) => sum + (path.at(-1)?.durationNs ?? 0), 0);
  return rightNs >= example.durationNs / 2;
}

const said = ({ kind, sentence }: Cause): string => `${kind}: ${sentence}`;

function outcomeOf(
  { story, twin }: Telling,
  { causes, explained }: Found,
  truth: Truth,
  witness: Witness,
): Outcome {
  const trees: readonly CauseNode[] = [
    ...explained.map(({ tree }) => tree),
    ...causes.flatMap(each => each.examples),
  ];
  const accused = causes.filter(({ kind }) => kind === 'cause' || kind === 'lead');
  const others = { witness, ...truth };
  const borneOut = accused.filter(each => (twin || !isRight(each, story, truth)) && isBorneOut(each, others));
  const { wrongNs, ...scored } = twin
    ? { trueNs: 0, blamedNs: 0, rightNs: 0, wrongNs: new Map<string, number>() }
    : score(explained, truth.delays, truth.stretches, { ...MACHINE, ...story.words });
  const [first] = causes.filter(each => !borneOut.includes(each));
  return {
    delays: twin ? 0 : truth.delays.length,
    ...scored,
    unconservedNs: trees.reduce((sum, tree) => sum + Math.abs(unconservedNs(tree)), 0),
    topRight: twin || isRight(first, story, truth),
    top: first === undefined ? '' : said(first),
    falseFindings: twin ? accused.filter(each => !borneOut.includes(each)).map(said) : [],
    borneOut: borneOut.map(said),
    wrong: [...wrongNs].sort((a, b) => b[1] - a[1]).slice(0, 6),
  };
}

/** Each told once, in one capture; one that begins with its program's start needs a capture of its own. */
export async function runStories(tellings: readonly Telling[], seconds: number): Promise<readonly Outcome[]> {
  if (tellings.length > 1 && tellings.some(({ story }) => story.fromStart))
    throw new Error('a story that begins with its program is captured by itself');
  buildWorkloads();
  return withFolder(async folder => judge(tellings, await captureStories(tellings, seconds, folder)));
}

export function judge(tellings: readonly Telling[], { trace, logs, witness }: Captured): readonly Outcome[] {
  const story = new StoryTrace(trace);
  try {
    return tellings.map((telling, i) => {
      const truth = truthOf(logs[i] ?? [], story);
      return outcomeOf(telling, story.found(truth.pid, truth.window), truth, witness);
    });
  } finally {
    story.close();
  }
}
