import { inPassing, type Story } from '../lib/story.ts';

const held = [
  { edge: 'lock', thread: 'engine' },
  { edge: 'held_by', thread: 'arena-1' },
] as const;

export const story: Story = {
  about:
    'Eight threads and `engine` share one arena of malloc, whose lock `arena-1` holds while it gives memory back.',
  program: 'stories/malloc_arena',
  words: {
    passed: inPassing('engine', 'arena-1'),
    disturbed: [
      [...held, { state: 'running' }],
      [...held, { state: 'runnable' }],
    ],
    held: [...held, { edge: 'on_cpu', thread: 'arena-1' }],
  },
};
