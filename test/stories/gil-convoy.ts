import { inPassing, type Story } from '../lib/story.ts';

const held = [
  { edge: 'lock', thread: 'engine', object: /GIL/ },
  { edge: 'held_by', thread: 'cruncher' },
] as const;

export const story: Story = {
  about: "`engine` gives Python's interpreter lock up for each launch; `cruncher` takes it and computes.",
  program: 'stories/gil_convoy.py',
  words: {
    passed: inPassing('engine'),
    held: [
      [...held, { state: 'running' }],
      [...held, { state: 'runnable' }],
    ],
  },
};
