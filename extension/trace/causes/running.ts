// A thread ran: on the CPU by itself, or spinning inside a synchronize until the GPU is done. And the time in which it
// was not seen at all.

import type { CauseNode, RowRef } from '../api.ts';
import { ns } from '../time.ts';
import type { Piece } from './cut.ts';
import { leaf, SEEN, unexplained, WAKER_ONLY } from './nodes.ts';
import type { Around, Walk } from './walk.ts';

export function onCpu(walk: Walk, thread: number, piece: Piece, around: Around): CauseNode {
  const { calls, slices } = walk.columns;
  const { startNs, endNs, row } = piece;
  const cpu = row < 0 ? undefined : slices.cpu[row];
  const rows: readonly RowRef[] =
    row < 0 || cpu === undefined ? [] : [{ table: 'cpu_slice', cpu, startNs: ns(slices.startNs[row] ?? 0) }];
  const base = {
    thread: walk.ref(thread),
    startNs,
    endNs,
    // Without slices, running is only the absence of an off-CPU interval.
    confidence: walk.trust(row < 0 ? WAKER_ONLY : SEEN, startNs, endNs),
    rows,
    cpu,
  } as const;
  const fn = around.call < 0 ? undefined : calls.functions[calls.function[around.call] ?? 0];
  const where = fn === undefined ? '' : ` in ${fn.name}`;
  if (around.spinning) {
    return leaf({ ...base, edge: 'gpu', state: 'gpu', label: `waiting for the GPU (spinning${where})` });
  }
  return leaf({ ...base, edge: 'on_cpu', state: 'running', label: `on the CPU${where}` });
}

/** Neither on a CPU nor off it, as far as the file tells. */
export function unseen(walk: Walk, thread: number, startNs: number, endNs: number): CauseNode {
  const { doubts, threads } = walk.columns;
  const born = threads.startNs[thread] ?? 0;
  const gone = threads.endNs[thread] ?? Number.POSITIVE_INFINITY;
  const why = doubts.scheduler.overlap(startNs, endNs)
    ? 'scheduler events were lost here: what the thread did was not seen'
    : endNs <= born || startNs >= gone
      ? 'the thread did not exist then'
      : ranBefore(walk, thread, startNs)
        ? 'it was off the CPU; why was not recorded'
        : 'what the thread did was not seen';
  return unexplained(walk.ref(thread), startNs, endNs, why);
}

/** A thread that ran before, and has no slice now, had left the CPU. */
function ranBefore(walk: Walk, thread: number, timeNs: number): boolean {
  const { slices } = walk.columns;
  const first = slices.byThread.offsets[thread] ?? 0;
  if (first === slices.byThread.offsets[thread + 1]) return false;
  return (slices.startNs[slices.byThread.order[first] as number] as number) < timeNs;
}
