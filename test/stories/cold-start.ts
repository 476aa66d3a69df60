import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: 'The first launch of a kernel loads its module, for 60 ms on the CPU.',
  program: 'stories/cold_start',
  words: { loading: [{ label: /first use|loading a module/i }] },
  fromStart: true,
  top: 'work',
};
