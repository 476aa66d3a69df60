// CUDA calls, sorted by thread and time. `outer` lists the calls that no other call contains: a runtime call and the
// driver call it makes are one delay, that of the outer one.

import type { DatabaseSync } from 'node:sqlite';
import { believe, type Interval } from './clock.ts';
import { type Defects, eachRow, integer, text } from './read.ts';
import { bytes, doubles, Growing, groupBy, integers, reorder } from './rows.ts';
import { clean } from './text.ts';
import type { Threads } from './threads.ts';

export interface CudaFunction {
  readonly name: string;
  readonly library: string;
  readonly category: string;
}

export interface Calls {
  readonly rows: number;
  /** Rows of thread t: offsets[t] .. offsets[t + 1] - 1. */
  readonly offsets: Int32Array;
  readonly id: Float64Array;
  readonly thread: Int32Array;
  readonly function: Int32Array;
  readonly functions: readonly CudaFunction[];
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly open: Uint8Array;
  /** frame.id of the call site; -1 = not known. */
  readonly callSite: Float64Array;
  /** Row of the call it ran inside, by time on the same thread; -1 = none. */
  readonly parent: Int32Array;
}

const unknownFunction: CudaFunction = { name: 'a CUDA function', library: 'other', category: 'other' };

export function loadCalls(db: DatabaseSync, threads: Threads, captureEndNs: number, defects: Defects): Calls {
  const byFunctionId = new Map<number, number>();
  const functions: CudaFunction[] = [];
  eachRow(db, 'SELECT id, name, library, category FROM cuda_function ORDER BY id', cells => {
    byFunctionId.set(integer(cells[0]) ?? -1, functions.length);
    functions.push({
      name: clean(text(cells[1]) ?? unknownFunction.name),
      library: text(cells[2]) ?? 'other',
      category: text(cells[3]) ?? 'other',
    });
  });
  const unknown = functions.push(unknownFunction) - 1;

  const id = new Growing(doubles, 1024);
  const thread = new Growing(integers, 1024);
  const fn = new Growing(integers, 1024);
  const start = new Growing(doubles, 1024);
  const end = new Growing(doubles, 1024);
  const open = new Growing(bytes, 1024);
  const site = new Growing(doubles, 1024);
  const interval: Interval = { startNs: 0, endNs: 0, open: false };
  const select =
    'SELECT id, thread_id, function_id, start_ns, duration_ns, call_site_id FROM cuda_call ORDER BY id';
  eachRow(db, select, cells => {
    const owner = threads.byId.get(integer(cells[1]) ?? -1);
    const callId = integer(cells[0]);
    if (owner === undefined || callId === undefined) {
      defects.add('CUDA calls of a thread that is not in the file were left out');
      return;
    }
    if (!believe(interval, integer(cells[3]), cells[4], captureEndNs, 'CUDA calls', defects)) return;
    id.push(callId);
    thread.push(owner);
    fn.push(byFunctionId.get(integer(cells[2]) ?? -1) ?? unknown);
    start.push(interval.startNs);
    end.push(interval.endNs);
    open.push(interval.open ? 1 : 0);
    site.push(integer(cells[5]) ?? -1);
  });

  const threadColumn = thread.take();
  const startColumn = start.take();
  const { offsets, order } = groupBy(threadColumn, threads.count, startColumn);
  const sorted = {
    rows: order.length,
    offsets,
    id: reorder(id.take(), order),
    thread: reorder(threadColumn, order),
    function: reorder(fn.take(), order),
    functions,
    startNs: reorder(startColumn, order),
    endNs: reorder(end.take(), order),
    open: reorder(open.take(), order),
    callSite: reorder(site.take(), order),
  };
  return { ...sorted, parent: nest(sorted, defects) };
}

/**
 * Who ran inside whom, by time alone: the ids in `parent_id` may lie, and a thread runs one call at a time. A call that
 * begins inside another and ends after it cannot be; it is cut to the outer one.
 */
function nest(
  calls: Pick<Calls, 'rows' | 'thread' | 'startNs' | 'endNs' | 'open'>,
  defects: Defects,
): Int32Array {
  const parent = new Int32Array(calls.rows).fill(-1);
  const { thread, startNs, endNs, open } = calls;
  let inside = -1;
  for (let row = 0; row < calls.rows; row++) {
    if (row > 0 && thread[row] !== thread[row - 1]) inside = -1;
    const begin = startNs[row] as number;
    while (inside >= 0 && (endNs[inside] as number) <= begin) inside = parent[inside] as number;
    if (inside >= 0 && (endNs[row] as number) > (endNs[inside] as number)) {
      if (open[row] === 0) defects.add('CUDA calls that outlived the call around them were cut');
      endNs[row] = endNs[inside] as number;
    }
    parent[row] = inside;
    inside = row;
  }
  return parent;
}
