import { inPassing, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` touches pages of a mapped file that are not in memory: each waits for the disk.',
  program: 'stories/mapped_file',
  words: {
    between: inPassing('engine'),
    fault: [
      [{ edge: ['page_fault', 'limit'], state: 'page_fault', thread: 'engine' }],
      [{ edge: 'page_fault', thread: 'engine' }, { state: 'disk' }],
    ],
    submitted: [
      ...inPassing('engine'),
      [{ state: 'page_fault', thread: 'engine' }],
      [{ edge: 'page_fault', thread: 'engine' }, { state: 'disk' }],
    ],
  },
};
