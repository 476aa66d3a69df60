// `tokenizer` holds a lock that `engine` wants; what `tokenizer` does while it is off the CPU differs from story to story.

import { inPassing, OBJECT, type Step, type Words } from '../../lib/story.ts';

const held = [
  { edge: 'lock', thread: 'engine', object: OBJECT },
  { edge: 'held_by', thread: 'tokenizer' },
] as const;

export const holderWords = (off: Step): Words => ({
  passed: inPassing('engine', 'tokenizer'),
  held: [...held, { edge: 'on_cpu', thread: 'tokenizer' }],
  off: [...held, off],
});
