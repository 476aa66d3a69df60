import { inPassing, type Story } from '../lib/story.ts';

const made = { edge: 'waited_for', thread: 'dl-worker' } as const;

export const story: Story = {
  about: '`engine` waits on a pipe for a batch that process `dl-worker` reads from the disk for 8 ms.',
  program: 'stories/data_loader',
  words: {
    passed: inPassing('engine', 'dl-worker'),
    read: [
      [made, { state: 'disk' }],
      [made, { state: 'runnable' }],
    ],
    submitted: [
      [made, { state: 'running' }],
      [made, { state: 'runnable' }],
      [made, { state: 'disk' }],
    ],
  },
};
