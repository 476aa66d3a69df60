import { inPassing, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` reads from a pipe what process `loader` computes too slowly.',
  program: 'stories/pipe_batch',
  words: {
    passed: inPassing('engine', 'loader'),
    made: [
      { edge: 'waited_for', thread: 'loader' },
      { edge: 'on_cpu', thread: 'loader' },
    ],
    preempted: [{ edge: 'waited_for', thread: 'loader' }, { state: 'runnable' }],
  },
};
