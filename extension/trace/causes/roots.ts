// The root of each explanation: the delay itself, before anyone asks why.

import type { CauseNode } from '../api.ts';
import type { Columns } from '../columns/index.ts';
import { ns } from '../time.ts';
import type { Delay } from './delays.ts';
import { inside } from './explain.ts';
import { setsUp } from './first-use.ts';
import { LOSS, SEEN } from './nodes.ts';
import { type Around, nothingAround } from './walk.ts';

export interface Rooted {
  readonly root: Omit<CauseNode, 'children'>;
  readonly around: Around;
  readonly thread: number;
  /** What was late and where it was called from: part of the signature. */
  readonly what: string;
  /** The call site in words, with a space before it: " from forward (model.py:120)"; empty where it is not known. */
  readonly from: string;
}

export function rootOfDelay(columns: Columns, delay: Delay): Rooted {
  return delay.kind === 'slow_call'
    ? rootOfCall(columns, delay.call, delay.startNs, delay.endNs)
    : rootOfGap(columns, delay);
}

/** The call as a delay; all of it unless a part is named. */
export function rootOfCall(
  columns: Columns,
  call: number,
  startNs = columns.calls.startNs[call] ?? 0,
  endNs = columns.calls.endNs[call] ?? 0,
): Rooted {
  const { calls, threads } = columns;
  const thread = calls.thread[call] ?? 0;
  const name = calls.functions[calls.function[call] ?? 0]?.name ?? 'a CUDA call';
  const setting = setsUp(columns, call);
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
    what: `${name}@${calls.callSite[call]}${setting === undefined ? '' : ' first'}`,
    from: `${calledFrom(columns, calls.callSite[call] ?? -1)}${setting?.isFirst === true ? ', the first in its process,' : ''}`,
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
    what: 'gap',
    from: '',
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
    from: '',
  };
}

export function calledFrom(columns: Columns, callSite: number): string {
  const site = callSite < 0 ? undefined : columns.details.frame(callSite);
  if (site === undefined) return '';
  const file = site.file?.split('/').at(-1);
  const place = file === undefined ? '' : ` (${file}${site.line === undefined ? '' : `:${site.line}`})`;
  return ` from ${site.function}${place}`;
}
