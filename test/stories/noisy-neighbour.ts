import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: 'A process of another cgroup takes the CPU of `engine`.',
  program: 'stories/noisy_neighbour',
  words: {
    computing: [{ edge: 'on_cpu', thread: 'engine' }],
    off: [{ edge: 'runnable', thread: 'engine' }, { state: 'runnable' }],
    taken: [
      { edge: 'runnable', thread: 'engine' },
      { edge: 'behind', process: 'neighbour' },
    ],
  },
};
