import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` waits 10 ms for the device, spinning on the CPU.',
  program: 'stories/gpu_wait',
  args: ['--variant', 'spin'],
  words: { device: [{ edge: 'gpu', thread: 'engine' }] },
  top: 'work',
};
