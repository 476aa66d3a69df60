import { inPassing, type Story } from '../lib/story.ts';

const device = { state: 'gpu', thread: 'sampler' } as const;

export const story: Story = {
  about: 'Beside a decode loop, `sampler` makes thousands of short synchronizes a second.',
  program: 'stories/synchronize_storm',
  words: {
    // A call in which it lost its CPU for a moment.
    disturbed: [[{ edge: 'nested_call', thread: 'sampler' }, device], ...inPassing('sampler')],
    device: [{ ...device, edge: 'gpu' }],
  },
  top: 'work',
  root: 'sum',
};
