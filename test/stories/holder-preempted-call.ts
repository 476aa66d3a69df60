import { inPassing, OBJECT, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`tokenizer` holds a lock that `engine` wants inside a launch, and is preempted by `spinner`.',
  program: 'stories/holder',
  args: ['--variant', 'call'],
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
