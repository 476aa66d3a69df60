import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: 'A real-time process takes the CPU of `engine` for 12 ms of each 60.',
  program: 'stories/realtime',
  words: {
    computing: [{ edge: 'on_cpu', thread: 'engine' }],
    off: [{ edge: 'runnable', thread: 'engine' }, { state: 'runnable' }],
    taken: [
      { edge: 'runnable', thread: 'engine' },
      { edge: 'behind', process: 'rt-hog' },
    ],
  },
};
