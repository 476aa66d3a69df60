// The first call of its kind in a process sets things up (contexts, modules, pools) and is slow for that: told apart, so
// that a cold start is not taken for the usual.

import type { Columns } from '../columns/index.ts';
import { kindOfCall } from './delays.ts';

const firsts = new WeakMap<Columns, ReadonlyMap<number, number>>();

/** Whether the call was the first of its function in its process, and the process was seen from its start. */
export function isFirstUse(columns: Columns, call: number): boolean {
  const { calls, threads } = columns;
  if (threads.processes[calls.thread[call] as number]?.born !== true) return false;
  let first = firsts.get(columns);
  if (first === undefined) {
    first = firstCalls(columns);
    firsts.set(columns, first);
  }
  return first.get(kindOfCall(columns, call)) === call;
}

function firstCalls(columns: Columns): ReadonlyMap<number, number> {
  const { startNs, rows } = columns.calls;
  const first = new Map<number, number>();
  for (let call = 0; call < rows; call++) {
    const kind = kindOfCall(columns, call);
    const known = first.get(kind);
    if (known === undefined || (startNs[call] as number) < (startNs[known] as number)) first.set(kind, call);
  }
  return first;
}
