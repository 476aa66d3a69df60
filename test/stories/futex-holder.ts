import type { Story } from '../lib/story.ts';
import { holderWords } from './parts/holder.ts';

export const story: Story = {
  about: '`tokenizer` holds a lock for 9 ms while it computes, on a CPU of its own.',
  program: 'stories/holder',
  words: holderWords({ state: 'runnable' }),
};
