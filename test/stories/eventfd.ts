import { inPassing, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` waits on an eventfd that `feeder` signals after 8 ms of work.',
  program: 'stories/event_fd',
  words: {
    passed: inPassing('engine', 'feeder'),
    made: [
      { edge: 'waited_for', thread: 'feeder' },
      { edge: 'on_cpu', thread: 'feeder' },
    ],
    preempted: [{ edge: 'waited_for', thread: 'feeder' }, { state: 'runnable' }],
  },
};
