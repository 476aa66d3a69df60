import { inPassing, OBJECT, type Story } from '../lib/story.ts';

export const story: Story = {
  about: 'A lock held by `keeper`, and a batch that process `loader` makes too slowly: each with its share.',
  program: 'stories/two_causes',
  words: {
    lock: inPassing('engine', 'keeper'),
    'lock/held': [
      { edge: 'lock', thread: 'engine', object: OBJECT },
      { edge: 'held_by', thread: 'keeper' },
      { edge: 'on_cpu', thread: 'keeper' },
    ],
    'lock/off': [
      { edge: 'lock', thread: 'engine', object: OBJECT },
      { edge: 'held_by', thread: 'keeper' },
      { state: 'runnable' },
    ],
    batch: inPassing('engine', 'loader'),
    'batch/made': [
      { edge: 'waited_for', thread: 'loader' },
      { edge: 'on_cpu', thread: 'loader' },
    ],
    'batch/off': [{ edge: 'waited_for', thread: 'loader' }, { state: 'runnable' }],
  },
};
