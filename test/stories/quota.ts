import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: 'The CPU quota of its group stops `engine` for 80 ms of each 100.',
  program: 'stories/quota',
  words: {
    computing: [{ edge: 'on_cpu', thread: 'engine' }],
    throttled: [{ edge: 'throttled', thread: 'engine' }],
  },
};
