import { inPassing, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` waits on a condition variable for a batch that `producer` makes too slowly.',
  program: 'stories/condition_variable',
  words: {
    passed: inPassing('engine', 'producer'),
    made: [
      { edge: 'waited_for', thread: 'producer' },
      { edge: 'on_cpu', thread: 'producer' },
    ],
    preempted: [{ edge: 'waited_for', thread: 'producer' }, { state: 'runnable' }],
  },
};
