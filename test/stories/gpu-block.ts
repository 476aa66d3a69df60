import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` waits 10 ms for the device, asleep.',
  program: 'stories/gpu_wait',
  args: ['--variant', 'block'],
  words: { device: [{ edge: 'gpu', thread: 'engine' }] },
  top: 'work',
};
