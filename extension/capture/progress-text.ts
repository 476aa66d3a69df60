// What the notification says at each stage.

import type { Stage } from './outcome.ts';
import type { Progress } from './prepare.ts';

/** Completes "cancelled while ...". */
export const STAGE_WORDS: Readonly<Record<Stage, string>> = {
  connect: 'connecting',
  upload: 'copying the collector',
  check: 'checking the host',
  choose: 'choosing what to record',
  record: 'recording',
  finish: 'building the trace',
  pull: 'fetching the trace',
  clean: 'tidying up',
};

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

export function progressText({ stage, bytes, live, share, waiting }: Progress): string {
  const done = bytes ? `: ${megabytes(bytes.done)} of ${megabytes(bytes.all)} MB` : '';
  switch (stage) {
    case 'connect':
      return 'connecting';
    case 'upload':
      return `copying the collector${done}`;
    case 'check':
      return 'checking what the host can do';
    case 'choose':
      return 'waiting for your choice';
    case 'record': {
      const counts = live
        ? ` ${live.events.toLocaleString('en')} events (${live.eventsPerSecond.toLocaleString('en')}/s), ${live.lost.toLocaleString('en')} lost.`
        : '';
      return `recording.${counts} [Stop now](command:wakechain.stop)`;
    }
    case 'finish':
      if (waiting) return 'waiting for the collector, which is still at work there';
      return `building the trace${share === undefined ? '' : `: ${Math.round(share * 100)} %`}`;
    case 'pull':
      return `fetching the trace${done}`;
    case 'clean':
      return 'tidying up on the host';
  }
}
