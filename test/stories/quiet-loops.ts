import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: 'Loops that sleep 50 ms and polls that time out: nothing is wrong.',
  program: 'stories/idle_loops',
  words: {},
};
