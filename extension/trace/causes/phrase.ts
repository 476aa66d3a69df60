// Sentences, made from strands and from nothing else: every number in one is the time of a node, or the sum of nodes
// that tell the same. Written for an engineer who has never heard of a futex.

import type { CauseNode, State } from '../api.ts';
import { lockName } from './lock.ts';
import { mostly } from './sampled.ts';
import { weightiest } from './story.ts';
import type { Strand } from './strand.ts';
import { address, counted, named, time } from './words.ts';

/** Links of a chain that a sentence tells; the tree has them all. */
const MOST_LINKS = 4;
/** At this share "for 9 ms of that" becomes "all that time". */
const ALL_THAT_TIME = 0.97;
const WORTH_TELLING = 0.2;
/** Of the stages of a request. */
const WORTH_A_WORD = 0.05;

/** A limit leaf that names what it would have followed; others stand for many short pieces. */
const LIMITED = /not followed/;
/** What sampled.ts puts into a label. */
const SAMPLES = /, mostly in `[^`]*` \(\d+ of [\d,]+ samples?\)/;
export const STATE_WORDS: Readonly<Record<State, string>> = {
  running: 'running',
  runnable: 'waiting for a CPU',
  lock: 'waiting for a lock',
  disk: 'waiting for a disk',
  network: 'waiting for a pipe or the network',
  gpu: 'waiting for the GPU',
  sleep: 'asleep',
  page_fault: 'in page faults',
  throttled: 'stopped by a CPU quota',
  other: 'blocked',
  unexplained: 'not seen',
};

/** "waiting for lock 0x7f31..8d0, held by tokenizer (tid 84230), which for 9 ms of that was waiting for CPU 3 behind ..." */
export function doing(strand: Strand, links = MOST_LINKS): string {
  const child = weightiest(strand);
  const { worst } = strand;
  switch (worst.edge) {
    case 'lock':
      return `waiting for ${lockOf(strand)}${child === undefined ? '' : heldBy(child, links)}`;
    case 'waited_for':
      return `${worst.label.replace(/^waiting for .*?\)/, `waiting for ${who(strand)}`)}${which(strand, links)}`;
    case 'runnable':
      return child === undefined ? 'waiting for a CPU' : runnableBehind(child);
    case 'behind':
      return runnableBehind(strand);
    case 'hand_off':
      return `woken and ${child === undefined ? 'waiting for a CPU' : runnableBehind(child)}`;
    case 'held_by':
      return `held up by ${who(strand)}${which(strand, links)}`;
    case 'on_cpu':
    case 'nested_call':
      return ran(strand)
        .replace(/^on the CPU/, 'running on the CPU')
        .replace(/^in /, 'running in ');
    case 'first_use':
      return ran(strand);
    case 'kernel_lock':
      return `${worst.label}${child === undefined ? '' : heldBy(child, links)}`;
    case 'disk':
      return `${worst.label}${stages(strand)}`;
    case 'asked_to_sleep':
      return worst.label === 'asked to sleep' ? 'asleep, as it had asked' : worst.label;
    case 'throttled':
      return worst.label;
    case 'limit':
      return LIMITED.test(worst.label)
        ? worst.label
        : `in many short pieces, mostly ${STATE_WORDS[worst.state]}`;
    case 'unexplained':
      return `unexplained (${worst.label})`;
    default:
      return worst.label;
  }
}

/** Its label, with the samples of all its nodes in place of the worst one's. */
function ran({ worst, sampled }: Strand): string {
  const all = mostly([...sampled].map(([name, samples]) => ({ function: name, samples })));
  return SAMPLES.test(worst.label) ? worst.label.replace(SAMPLES, () => all) : `${worst.label}${all}`;
}

function heldBy(child: Strand, links: number): string {
  switch (child.worst.edge) {
    case 'held_by':
      return `, held by ${who(child)}${which(child, links)}`;
    case 'hand_off':
      return `, which had been handed to ${who(child)}${which(child, links)}`;
    default:
      return `; ${child.worst.label}`;
  }
}

/** ", which for 9 ms of that was waiting for CPU 3 behind spinner (pid 123) and for 3.6 ms was running" */
function which(holder: Strand, links: number): string {
  const main = weightiest(holder);
  if (main === undefined || links <= 1) return '';
  // A runnable thread's time is told for the competitor that is named.
  const told = main.worst.edge === 'runnable' ? (weightiest(main) ?? main) : main;
  const all = told.timeNs >= holder.timeNs * ALL_THAT_TIME;
  const itself =
    main.worst.edge === 'lock' || main.worst.edge === 'kernel_lock' || main.worst.edge === 'waited_for'
      ? 'itself '
      : '';
  const first = `, which ${all ? 'all that time' : `for ${time(told.timeNs)} of that`} was ${itself}${doing(told, links - 1)}`;
  const ran = holder.children.get('on_cpu');
  if (all || ran === undefined || ran === main || ran.timeNs < holder.timeNs * WORTH_TELLING) return first;
  return `${first} and for ${time(ran.timeNs)} was running`;
}

/** "waiting for CPU 3 behind spinner (pid 123)" */
function runnableBehind(strand: Strand): string {
  const { worst, cpus } = strand;
  const [cpu] = cpus;
  const waiting = `waiting for ${cpu === undefined || cpus.size > 1 ? 'a CPU' : `CPU ${cpu}`}`;
  if (worst.edge === 'behind') {
    const name = worst.label.replace(/^behind /, '').replace(/ on CPU \d+$/, '');
    return `${waiting} behind ${strand.threads.size > 1 ? `threads like ${name}` : name}`;
  }
  if (worst.edge === 'limit') return `${waiting} behind many threads in turn`;
  return `${waiting}, which nobody was seen to have`;
}

function who({ worst, threads }: Strand): string {
  return threads.size > 1 ? `threads like ${named(worst.thread)}` : named(worst.thread);
}

function lockOf(strand: Strand): string {
  return strand.objects.size > 1
    ? `locks such as ${lockAddress(strand.worst)}`
    : lockName(strand.worst.object);
}

function lockAddress({ object }: CauseNode): string {
  if (object?.name !== undefined) return object.name;
  return object?.address === undefined ? `${object?.id ?? '?'}` : address(object.address);
}

/** " (3 ms in the queue of vda, 9 ms in the device vda)"; what took hardly any of it is left to the tree. */
function stages(strand: Strand): string {
  const told = [...strand.children.values()]
    .filter(child => child.worst.edge === 'disk' && child.timeNs >= strand.timeNs * WORTH_A_WORD)
    .map(child => `${time(child.timeNs)} ${child.worst.label}`);
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}

/** What was late, once: "`cudaLaunchKernel` on engine (tid 84219) took 13.1 ms". */
function lateOnce(root: CauseNode, from: string): string {
  const on = named(root.thread);
  switch (root.edge) {
    case 'slow_gap':
      return `${on} made no CUDA call for ${time(root.durationNs)} before \`${root.label}\``;
    case 'window':
      return `${on}, in the ${time(root.durationNs)} from ${time(root.startNs)}`;
    default:
      return `\`${root.label}\`${from} on ${on} took ${time(root.durationNs)}`;
  }
}

/** What was late, many times: "184 slow calls of `cudaLaunchKernel` on engine (tid 84219)". */
function lateOften(root: CauseNode, count: number, threads: number, from: string): string {
  const on = threads > 1 ? `${threads} threads like ${named(root.thread)}` : named(root.thread);
  return root.edge === 'slow_gap'
    ? `${counted(count, 'slow gap')} between CUDA calls on ${on}`
    : `${counted(count, 'slow call')} of \`${root.label}\`${from} on ${on}`;
}

/** One delay and one of its stories; `from` is " from train.py:12" or "". */
export function sentenceOnce(root: CauseNode, story: Strand, from: string): string {
  const all = story.timeNs >= root.durationNs * ALL_THAT_TIME;
  const part = all ? 'all of it' : `${time(story.timeNs)} of it`;
  return `${lateOnce(root, from)}: ${part} ${doing(story)}.`;
}

/** Many delays that tell the same story, the worst of them first. */
export function sentenceOften(
  worst: CauseNode,
  story: Strand,
  count: number,
  threads: number,
  from: string,
): string {
  const whole = `The worst ${worst.edge === 'slow_gap' ? 'gap ' : ''}took ${time(worst.durationNs)}.`;
  return `${lateOften(worst, count, threads, from)} spent ${time(story.timeNs)} ${doing(story)}. ${whole}`;
}
