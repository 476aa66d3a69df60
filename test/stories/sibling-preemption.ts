import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: 'A process that never rests takes the CPU of `engine`.',
  program: 'stories/sibling_preemption',
  words: {
    computing: [{ edge: 'on_cpu', thread: 'engine' }],
    off: [{ edge: 'runnable', thread: 'engine' }, { state: 'runnable' }],
    taken: [
      { edge: 'runnable', thread: 'engine' },
      { edge: 'behind', process: 'spinner' },
    ],
  },
};
