import { inPassing, OBJECT, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`tokenizer` holds a lock that `engine` wants between launches, and is preempted by `spinner`.',
  program: 'stories/holder',
  args: ['--variant', 'preempted'],
  words: {
    passed: inPassing('engine', 'tokenizer'),
    held: [
      { edge: 'lock', thread: 'engine', object: OBJECT },
      { edge: 'held_by', thread: 'tokenizer' },
      { edge: 'on_cpu', thread: 'tokenizer' },
    ],
    off: [
      { edge: 'lock', thread: 'engine', object: OBJECT },
      { edge: 'held_by', thread: 'tokenizer' },
      { edge: 'behind', process: 'spinner' },
    ],
  },
};
