import { inPassing, type Story } from '../lib/story.ts';

export const story: Story = {
  about: '`engine` asks process `tokenizer` over a Unix socket, which computes for 8 ms.',
  program: 'stories/inference_server',
  words: {
    passed: inPassing('engine', 'tokenizer'),
    made: [
      { edge: 'waited_for', thread: 'tokenizer' },
      { edge: 'on_cpu', thread: 'tokenizer' },
    ],
    preempted: [{ edge: 'waited_for', thread: 'tokenizer' }, { state: 'runnable' }],
  },
};
