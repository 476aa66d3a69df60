import { inPassing, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` itself reads from the disk for 8 ms between two launches.',
  program: 'stories/direct_reads',
  words: {
    between: inPassing('engine'),
    read: [[{ edge: ['disk', 'limit'], state: 'disk', thread: 'engine' }], [{ state: 'runnable' }]],
    submitted: [...inPassing('engine'), [{ state: 'disk', thread: 'engine' }]],
  },
};
