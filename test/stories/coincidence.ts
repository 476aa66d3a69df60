import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: 'A call is slow by itself, 8 ms on the CPU, while a thousand switches happen beside it.',
  program: 'stories/coincidence',
  words: { slow: [{ edge: 'on_cpu', thread: 'engine' }] },
  top: 'work',
  root: 'slow_call',
};
