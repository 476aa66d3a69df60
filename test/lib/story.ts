// A ground-truth story as test/stories/ tells it: a workload that does one thing wrong and logs its own delays, and what
// an explanation must say of them. design/causes.md, "How truth is measured".

import type { CauseNode, Edge, State } from '../../extension/trace/api.ts';

/** One node that an explanation must go through. What is left out may be anything. */
export interface Step {
  readonly edge?: Edge | readonly Edge[];
  readonly state?: State | readonly State[];
  /** Name of the node's thread; `CULPRIT`: the very thread that the log says. */
  readonly thread?: string | RegExp;
  readonly process?: string;
  /** `OBJECT`: the address that the log says; or a part of the object's name. */
  readonly object?: string | RegExp;
  readonly label?: RegExp;
}

export const CULPRIT = '(the thread that the log names)';
export const OBJECT = '(the object that the log names)';

/** Nodes on the way from the root to a leaf, in order, others between them allowed; the last is the leaf itself. */
export type Steps = readonly [Step, ...Step[]];

/** What is left of a wait beside what its culprit did: these threads run for a moment, or somebody has no CPU yet. */
export const inPassing = (...threads: readonly string[]): readonly Steps[] => [
  ...threads.map(thread => [{ thread, state: 'running' }] as const),
  [{ state: 'runnable' }],
];

/**
 * What every story's `engine` logs beside it: it was late for no reason of the story, since it had no CPU or a timer let
 * it go late. Who took the CPU it cannot know.
 */
export const MACHINE: Words = {
  machine: inPassing('engine'),
  'machine/slept': [{ edge: 'asked_to_sleep', thread: 'engine' }],
};

/** What must be said of a time, by the word of the log; any of several, where it is a list of them. */
export type Words = Readonly<Record<string, Steps | readonly Steps[]>>;

export interface Story {
  /** One line for people. */
  readonly about: string;
  /** Below test/workloads/: stories/NAME for a program in C, NAME.py for one in Python. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Arguments of the quiet twin; --twin when left out. */
  readonly twin?: readonly string[];
  /** Starts the program under the collector instead of attaching to it: for what happens at its very start. */
  readonly fromStart?: boolean;
  /**
   * What must be said of a time that the log describes with this word. Where several stretches cover a time, the word
   * that stands last here counts; one such as "held/off" only in delays that are "held". Empty: nothing is wrong in this
   * story, and there is no other twin.
   */
  readonly words: Words;
  /** What the first finding is; `cause` when left out. */
  readonly top?: 'cause' | 'work';
  /** Edge of the root of the first finding, where it matters. */
  readonly root?: Edge;
}

export interface Logged {
  readonly word: string;
  readonly thread: string;
  readonly tid: number;
  readonly object: number;
  readonly startNs: number;
  readonly endNs: number;
}

const is = (wanted: string | RegExp, said: string | undefined): boolean =>
  said !== undefined && (typeof wanted === 'string' ? wanted === said : wanted.test(said));

const oneOf = <T extends string>(wanted: T | readonly T[], said: T): boolean =>
  typeof wanted === 'string' ? wanted === said : wanted.includes(said);

function fits(node: CauseNode, step: Step, delay: Logged, culprit: Logged): boolean {
  const { edge, state, thread, process, object, label } = step;
  if (edge !== undefined && !oneOf(edge, node.edge)) return false;
  if (state !== undefined && !oneOf(state, node.state)) return false;
  if (thread === CULPRIT ? node.thread?.tid !== culprit.tid : thread && !is(thread, node.thread?.name))
    return false;
  if (process !== undefined && node.thread?.process !== process) return false;
  if (object === OBJECT ? node.object?.address !== delay.object : object && !is(object, node.object?.name))
    return false;
  return label === undefined || label.test(node.label);
}

/** Whether a path from the root to a leaf says what is wanted. */
export const says = (
  path: readonly CauseNode[],
  wanted: Steps | readonly Steps[],
  delay: Logged,
  culprit: Logged,
): boolean => (isSteps(wanted) ? [wanted] : wanted).some(steps => goesThrough(path, steps, delay, culprit));

export const isSteps = (wanted: Steps | readonly Steps[]): wanted is Steps => !Array.isArray(wanted[0]);

function goesThrough(path: readonly CauseNode[], steps: Steps, delay: Logged, culprit: Logged): boolean {
  const leaf = path.at(-1);
  const last = steps.at(-1);
  if (leaf === undefined || last === undefined || !fits(leaf, last, delay, culprit)) return false;
  let above = path.length - 2;
  for (let step = steps.length - 2; step >= 0; step--, above--) {
    const wanted = steps[step] as Step;
    while (above >= 0 && !fits(path[above] as CauseNode, wanted, delay, culprit)) above--;
    if (above < 0) return false;
  }
  return true;
}
