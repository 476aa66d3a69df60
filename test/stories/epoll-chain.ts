import { inPassing, type Story } from '../lib/story.ts';

export const story: Story = {
  about: 'A request goes through three threads by epoll and eventfds; the third is slow.',
  program: 'stories/epoll_chain',
  words: {
    passed: inPassing('engine', 'stage-1', 'stage-2', 'stage-3'),
    made: [
      { edge: 'waited_for', thread: 'stage-1' },
      { edge: 'waited_for', thread: 'stage-2' },
      { edge: 'waited_for', thread: 'stage-3' },
      { edge: 'on_cpu', thread: 'stage-3' },
    ],
    preempted: [
      { edge: 'waited_for', thread: 'stage-1' },
      { edge: 'waited_for', thread: 'stage-2' },
      { edge: 'waited_for', thread: 'stage-3' },
      { state: 'runnable' },
    ],
  },
};
