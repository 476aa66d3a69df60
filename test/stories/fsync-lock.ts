import { inPassing, OBJECT, type Story } from '../lib/story.ts';

const held = [
  { edge: 'lock', thread: 'engine', object: OBJECT },
  { edge: 'held_by', thread: 'logger' },
] as const;

export const story: Story = {
  about:
    '`logger` holds a lock that `engine` wants while it writes 8 MB and waits for the disk to have them.',
  program: 'stories/fsync_lock',
  words: {
    passed: inPassing('engine', 'logger'),
    write: [
      [...held, { state: 'disk' }],
      [...held, { state: 'runnable' }],
    ],
    sync: [
      [...held, { state: 'disk' }],
      [...held, { state: 'runnable' }],
    ],
    submitted: [
      [...held, { state: 'running' }],
      [...held, { state: 'runnable' }],
      [...held, { state: 'disk' }],
    ],
  },
};
