// A thread ran: on the CPU by itself, setting something up, in the kernel for its memory, or spinning inside a
// synchronize until the GPU is done. And the time in which it was not seen at all.

import type { CauseNode, RowRef } from '../api.ts';
import { stolen } from '../columns/steal.ts';
import { ns } from '../time.ts';
import type { Piece } from './cut.ts';
import { memoryPart, stallsIn } from './memory.ts';
import { leaf, unexplained } from './nodes.ts';
import type { Part } from './parts.ts';
import { mostly, sampledIn } from './sampled.ts';
import type { Around, Walk } from './walk.ts';

/** Steal time under this share of the CPUs is not worth a word, in percent. */
const MUCH_STOLEN = 10;

/** A stretch of running, end to end: what memory stalls cover of it, and the rest. */
export function runningParts(walk: Walk, thread: number, piece: Piece, around: Around): readonly Part[] {
  const state = around.spinning ? 'gpu' : 'running';
  const part = (startNs: number, endNs: number): Part => ({
    startNs,
    endNs,
    state,
    make: () => onCpu(walk, thread, { ...piece, startNs, endNs }, around),
  });
  const parts: Part[] = [];
  let cursor = piece.startNs;
  for (const stall of stallsIn(walk, thread, piece.startNs, piece.endNs)) {
    if (stall.startNs > cursor) parts.push(part(cursor, stall.startNs));
    parts.push(memoryPart(walk, thread, stall));
    cursor = stall.endNs;
  }
  if (cursor < piece.endNs) parts.push(part(cursor, piece.endNs));
  return parts;
}

function onCpu(walk: Walk, thread: number, piece: Piece, around: Around): CauseNode {
  const { calls, slices } = walk.columns;
  const { startNs, endNs, row } = piece;
  const cpu = row < 0 ? undefined : slices.cpus[slices.cpu[row] ?? -1];
  const found = sampledIn(walk.columns, thread, startNs, endNs);
  const slice: readonly RowRef[] =
    row < 0 || cpu === undefined ? [] : [{ table: 'cpu_slice', cpu, startNs: ns(slices.startNs[row] ?? 0) }];
  const base = {
    thread: walk.ref(thread),
    startNs,
    endNs,
    // Without slices, running is only the absence of an off-CPU interval.
    ...walk.sure(row < 0 ? 'waker' : 'seen', startNs, endNs),
    rows: [...slice, ...found.rows],
    cpu,
  } as const;
  const fn = around.call < 0 ? undefined : calls.functions[calls.function[around.call] ?? 0];
  const where = fn === undefined ? '' : ` in ${fn.name}`;
  if (around.spinning) {
    return leaf({ ...base, edge: 'gpu', state: 'gpu', label: `waiting for the GPU (spinning${where})` });
  }
  const also = `${mostly(found.functions)}${theft(walk, startNs, endNs)}`;
  if (around.setsUp !== undefined) {
    const label = `in ${around.setsUp.what}, on the CPU${also}`;
    return leaf({ ...base, edge: 'first_use', state: 'running', label, sampled: found.functions });
  }
  return leaf({
    ...base,
    edge: 'on_cpu',
    state: 'running',
    label: `on the CPU${where}${also}`,
    sampled: found.functions,
  });
}

/** On a virtual machine "on the CPU" may be the hypervisor's doing. */
function theft(walk: Walk, startNs: number, endNs: number): string {
  const most = stolen(walk.columns.evidence.steal, startNs, endNs);
  if (most < MUCH_STOLEN) return '';
  return `, while the hypervisor had taken up to ${Math.round(most)} % of the CPUs`;
}

/** Neither on a CPU nor off it, as far as the file tells. */
export function unseen(walk: Walk, thread: number, startNs: number, endNs: number): CauseNode {
  const { doubts, threads } = walk.columns;
  const born = threads.startNs[thread] ?? 0;
  const gone = threads.endNs[thread] ?? Number.POSITIVE_INFINITY;
  const why = doubts.scheduler.overlap(startNs, endNs)
    ? 'scheduler events were lost or left out here: what the thread did was not seen'
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
