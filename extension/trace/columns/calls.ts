// CUDA calls, sorted by thread and time. `outer` lists the calls that no other call contains: a runtime call and the
// driver call it makes are one delay, that of the outer one.

import type { DatabaseSync } from 'node:sqlite';
import { scan } from '../pages/scan.ts';
import { believe, type Interval } from './clock.ts';
import { type Defects, eachRow, integer, roomFor, text } from './read.ts';
import {
  Arrivals,
  bytes,
  doubles,
  Growing,
  GrowingIds,
  type Ids,
  idOf,
  integers,
  type Keys,
  keysOf,
  Spares,
} from './rows.ts';
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
  readonly id: Ids;
  readonly thread: Keys;
  /** Place in `functions`. */
  readonly function: Ids;
  readonly functions: readonly CudaFunction[];
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly open: Uint8Array;
  /** 1 = it returned an error. */
  readonly failed: Uint8Array;
  /** frame.id of the call site; -1 = not known. */
  readonly callSite: Ids;
  /** Row of the call it ran inside, by time on the same thread; -1 = none. */
  readonly parent: Int32Array;
}

/** Row of the call with that id; -1 = none. Ids of a thread nearly always ascend with time; where not, all are looked at. */
export function rowOfCall({ id: ids, offsets }: Pick<Calls, 'id' | 'offsets'>, id: number): number {
  for (let thread = 0; thread + 1 < offsets.length; thread++) {
    let low = offsets[thread] as number;
    let high = offsets[thread + 1] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ids[middle] as number) < id) low = middle + 1;
      else high = middle;
    }
    if (low < (offsets[thread + 1] as number) && ids[low] === id) return low;
  }
  return ids.indexOf(id);
}

/** Codes that say "not yet" and are no failure: cudaErrorNotReady and CUDA_ERROR_NOT_READY (driver_types.h, cuda.h). */
const NOT_READY = 600;

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

  const expected = roomFor(db, 'cuda_call');
  const id = new GrowingIds(expected);
  const thread = new Growing(integers, expected);
  const fn = new GrowingIds(expected, true);
  const start = new Growing(doubles, expected);
  const end = new Growing(doubles, expected);
  const open = new Growing(bytes, expected);
  const failed = new Growing(bytes, expected);
  const site = new GrowingIds(expected, true);
  const arrivals = new Arrivals();
  const interval: Interval = { startNs: 0, endNs: 0, open: false };
  const asked = ['id', 'thread_id', 'function_id', 'start_ns', 'duration_ns', 'call_site_id', 'result'];
  scan(db, { table: 'cuda_call', columns: asked }, cells => {
    const owner = threads.indexOf(cells[1] as number);
    const callId = cells[0] as number;
    if (owner < 0 || !Number.isFinite(callId)) {
      defects.add('CUDA calls of a thread that is not in the file were left out');
      return;
    }
    if (!believe(interval, cells[3] as number, cells[4] as number, captureEndNs, 'CUDA calls', defects))
      return;
    id.push(callId);
    thread.push(owner);
    fn.push(byFunctionId.get(cells[2] as number) ?? unknown);
    start.push(interval.startNs);
    arrivals.add(owner, interval.startNs);
    end.push(interval.endNs);
    open.push(interval.open ? 1 : 0);
    failed.push(isFailure(cells[6] as number) ? 1 : 0);
    site.push(idOf(cells[5]));
  });

  const key = thread.take();
  const { offsets, places } = arrivals.places(key, threads.count, start);
  const spares = new Spares();
  // The widest first: their spare is gone before the others need one.
  const startNs = start.sort(places, spares);
  const endNs = end.sort(places, spares);
  spares.free();
  spares.give(integers, key);
  const sorted = {
    rows: places.length,
    offsets,
    id: id.sort(places, spares),
    thread: keysOf(offsets),
    function: fn.sort(places, spares),
    functions,
    startNs,
    endNs,
    open: open.sort(places, spares),
    failed: failed.sort(places, spares),
    callSite: site.sort(places, spares),
  };
  spares.free();
  return { ...sorted, parent: nest(sorted, captureEndNs, defects) };
}

/** `result` is NULL where the return was not probed. */
const isFailure = (result: number): boolean =>
  result !== 0 && result !== NOT_READY && Number.isFinite(result);

/**
 * Who ran inside whom, by time alone: the ids in `parent_id` may lie, and a thread runs one call at a time. A call that
 * begins inside another and ends after it cannot be; it is cut to the outer one.
 */
function nest(
  calls: Pick<Calls, 'rows' | 'thread' | 'startNs' | 'endNs' | 'open'>,
  captureEndNs: number,
  defects: Defects,
): Int32Array {
  const parent = new Int32Array(calls.rows).fill(-1);
  const { thread, startNs, endNs, open } = calls;
  let inside = -1;
  for (let row = 0; row < calls.rows; row++) {
    if (row > 0 && thread[row] !== thread[row - 1]) inside = -1;
    const begin = startNs[row] as number;
    // What began at the very end of the capture is held by what had not ended then.
    const last = begin === captureEndNs;
    while (inside >= 0 && (endNs[inside] as number) <= begin && !(last && open[inside] === 1))
      inside = parent[inside] as number;
    if (inside >= 0 && (endNs[row] as number) > (endNs[inside] as number)) {
      if (open[row] === 0) defects.add('CUDA calls that outlived the call around them were cut');
      endNs[row] = endNs[inside] as number;
    }
    parent[row] = inside;
    inside = row;
  }
  return parent;
}
