// Threads that share a lock with `engine`, each asking again as soon as it let go.

import { CULPRIT, OBJECT, type Steps, type Story } from '../../lib/story.ts';

const held = [
  { edge: 'lock', thread: 'engine', object: OBJECT },
  { edge: 'held_by', thread: CULPRIT },
] as const;

/** Between two waits `engine` is awake for a moment, whoever has the lock by then; or it has no CPU yet. */
const awake: readonly Steps[] = [
  [{ state: 'running', thread: 'engine' }],
  [{ edge: 'runnable', thread: 'engine' }, { state: 'runnable' }],
];

export const barging = (threads: number): Story => ({
  about: `${threads} threads barge in at a lock that \`engine\` waits for.`,
  program: 'stories/barging',
  args: ['--threads', String(threads)],
  words: {
    free: [
      [
        { edge: 'lock', thread: 'engine', object: OBJECT },
        { edge: ['hand_off', 'behind', 'runnable', 'limit'] },
      ],
      ...awake,
    ],
    held: [[...held, { state: 'running' }], ...awake],
    off: [[...held, { state: 'runnable' }], ...awake],
  },
});
