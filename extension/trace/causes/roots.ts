// The root of each explanation: the delay itself, before anyone asks why.

import type { CauseNode } from '../api.ts';
import type { Columns } from '../columns/index.ts';
import { ns } from '../time.ts';
import type { Delay } from './delays.ts';
import { inside } from './explain.ts';
import { LOSS, SEEN } from './nodes.ts';
import { type Around, nothingAround } from './walk.ts';

export interface Rooted {
  readonly root: Omit<CauseNode, 'children'>;
  readonly around: Around;
  readonly thread: number;
  /** What was late and where it was called from: part of the signature. */
  readonly what: string;
}

export function rootOfDelay(columns: Columns, delay: Delay): Rooted {
  return delay.kind === 'slow_call'
    ? rootOfCall(columns, delay.call, delay.startNs, delay.endNs)
    : rootOfGap(columns, delay);
}

export function rootOfCall(columns: Columns, call: number, startNs: number, endNs: number): Rooted {
  const { calls, threads } = columns;
  const thread = calls.thread[call] ?? 0;
  const name = calls.functions[calls.function[call] ?? 0]?.name ?? 'a CUDA call';
  return {
    root: {
      edge: 'slow_call',
      state: 'running',
      thread: threads.refs[thread],
      startNs: ns(startNs),
      durationNs: ns(endNs - startNs),
      label: name,
      confidence: SEEN,
      rows: [{ table: 'cuda_call', id: calls.id[call] ?? -1 }],
    },
    around: inside(columns, call, nothingAround),
    thread,
    what: `${name}@${calls.callSite[call]}`,
  };
}

function rootOfGap(columns: Columns, { call, thread, startNs, endNs }: Delay): Rooted {
  const { calls, threads, doubts } = columns;
  const name = calls.functions[calls.function[call] ?? 0]?.name ?? 'a CUDA call';
  return {
    root: {
      edge: 'slow_gap',
      state: 'running',
      thread: threads.refs[thread],
      startNs: ns(startNs),
      durationNs: ns(endNs - startNs),
      label: name,
      confidence: doubts.cuda.overlap(startNs, endNs) ? SEEN * LOSS : SEEN,
      rows: [{ table: 'cuda_call', id: calls.id[call] ?? -1 }],
    },
    around: nothingAround,
    thread,
    what: `before ${name}@${calls.callSite[call]}`,
  };
}

export function rootOfWindow(columns: Columns, thread: number, startNs: number, endNs: number): Rooted {
  return {
    root: {
      edge: 'window',
      state: 'running',
      thread: columns.threads.refs[thread],
      startNs: ns(startNs),
      durationNs: ns(endNs - startNs),
      label: 'window',
      confidence: SEEN,
      rows: [],
    },
    around: nothingAround,
    thread,
    what: 'window',
  };
}
