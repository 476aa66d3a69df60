import type { Story } from '../lib/story.ts';

export const story: Story = {
  about: 'One request in eight of `engine` to process `server` is lost in the network, and sent again.',
  program: 'stories/tcp_retransmit',
  words: { lost: [{ edge: 'network', thread: 'engine' }] },
};
