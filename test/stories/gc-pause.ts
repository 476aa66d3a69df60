import type { Story } from '../lib/story.ts';

export const story: Story = {
  about:
    "Python's garbage collector walks hundreds of thousands of objects of `engine` between two launches.",
  program: 'stories/gc_pause.py',
  words: { collecting: [{ edge: 'on_cpu', thread: 'engine' }] },
  top: 'work',
  root: 'slow_gap',
};
