import { inPassing, type Story } from '../lib/story.ts';

const held = [
  { edge: 'kernel_lock', thread: 'engine', label: /address space/ },
  { edge: 'held_by', thread: 'mapper' },
] as const;

/** The kernel lets a waiter spin for this lock as long as its holder runs. */
const spins = [[{ edge: 'on_cpu', thread: 'engine' }]] as const;

export const story: Story = {
  about: '`mapper` holds the lock of the address space while it changes the protection of a gigabyte.',
  program: 'stories/mmap_lock',
  words: {
    passed: inPassing('engine', 'mapper'),
    disturbed: [
      ...spins,
      [...held, { state: 'running' }],
      [...held, { state: 'runnable' }],
      [...held, { state: 'lock' }],
    ],
    held: [[...held, { edge: 'on_cpu', thread: 'mapper' }], ...spins],
  },
};
