import type { Story } from '../lib/story.ts';
import { holderWords } from './parts/holder.ts';

export const story: Story = {
  about: '`tokenizer` holds a lock that `engine` wants inside a launch, and is preempted by `spinner`.',
  program: 'stories/holder',
  args: ['--variant', 'call'],
  words: holderWords({ edge: 'behind', process: 'spinner' }),
};
