import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` touches fresh memory page by page for 8 ms: page faults that get their page at once.',
  program: 'stories/page_fault_storm',
  words: { faults: [{ edge: 'on_cpu', thread: 'engine' }] },
  top: 'work',
};
