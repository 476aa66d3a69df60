// One colour for one meaning, in every picture. The colours themselves are custom properties (base/colours.css: dark
// and light); here is only which meaning a state, a CUDA category or an off-CPU reason has. Waiting for a CPU is
// hatched wherever it is drawn, so that it is told without colour too.

import type { State } from '../../extension/trace/api.ts';

export type Meaning =
  | 'running'
  | 'runnable'
  | 'lock'
  | 'disk'
  | 'network'
  | 'gpu'
  | 'sleep'
  | 'page-fault'
  | 'other'
  | 'unexplained'
  | 'launch'
  | 'synchronize'
  | 'copy'
  | 'allocate'
  | 'call'
  | 'thread';

export const MEANINGS: readonly Meaning[] = [
  'running',
  'runnable',
  'lock',
  'disk',
  'network',
  'gpu',
  'sleep',
  'page-fault',
  'other',
  'unexplained',
  'launch',
  'synchronize',
  'copy',
  'allocate',
  'call',
  'thread',
];

const OF_STATE: Readonly<Record<State, Meaning>> = {
  running: 'running',
  runnable: 'runnable',
  // The quota ended the slice: still a thread that could run and got no CPU.
  throttled: 'runnable',
  lock: 'lock',
  disk: 'disk',
  network: 'network',
  gpu: 'gpu',
  sleep: 'sleep',
  page_fault: 'page-fault',
  other: 'other',
  unexplained: 'unexplained',
};

const STATE_NAMES: Readonly<Record<State, string>> = {
  running: 'on the CPU',
  runnable: 'waiting for a CPU',
  throttled: 'throttled',
  lock: 'waiting for a lock',
  disk: 'disk',
  network: 'network and pipes',
  gpu: 'waiting for the GPU',
  sleep: 'asked to sleep',
  page_fault: 'page fault',
  other: 'other waits',
  unexplained: 'unexplained',
};

const OF_CATEGORY: ReadonlyMap<string, Meaning> = new Map([
  ['launch', 'launch'],
  ['graph', 'launch'],
  ['collective', 'launch'],
  ['synchronize', 'synchronize'],
  ['event', 'synchronize'],
  ['copy', 'copy'],
  ['memset', 'copy'],
  ['allocate', 'allocate'],
  ['free', 'allocate'],
]);

const OF_REASON: ReadonlyMap<string, Meaning> = new Map([
  ['preempted', 'runnable'],
  ['yielded', 'runnable'],
  ['throttled', 'runnable'],
  ['futex', 'lock'],
  ['kernel_lock', 'lock'],
  ['sleep', 'sleep'],
  ['poll', 'network'],
  ['pipe', 'network'],
  ['socket', 'network'],
  ['disk', 'disk'],
  ['page_fault', 'page-fault'],
  ['gpu', 'gpu'],
]);

export const meaningOfState = (state: State): Meaning => OF_STATE[state];
/** Of the meanings that states have. */
export const meaningName = (meaning: Meaning): string =>
  STATE_NAMES[meaning.replace('-', '_') as State] ?? meaning;
export const stateName = (state: State): string => STATE_NAMES[state];
export const meaningOfCategory = (category: string): Meaning => OF_CATEGORY.get(category) ?? 'call';
export const meaningOfReason = (reason: string): Meaning => OF_REASON.get(reason) ?? 'other';
