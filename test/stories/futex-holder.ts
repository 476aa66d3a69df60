import { inPassing, OBJECT, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`tokenizer` holds a lock for 9 ms while it computes, on a CPU of its own.',
  program: 'stories/holder',
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
      { state: 'runnable' },
    ],
  },
};
