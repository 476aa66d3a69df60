// A thread waits for the disk: the request whose completion woke it, in the queue and in the device apart. Without one,
// it is a lead; where a kernel thread with work of its own ended the wait (a journal's commit), that one is followed.

import type { CauseNode } from '../api.ts';
import type { BlockIo } from '../columns/details.ts';
import { branch, leaf, unexplained } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import type { Wait } from './wait.ts';
import { waitedFor } from './wake-chain.ts';
import { hasWork, wakeKind } from './wake-kind.ts';
import type { Walk } from './walk.ts';

/** The request whose completion ended the off-CPU interval; undefined where none is named or known. */
export function requestOf(walk: Walk, row: number): BlockIo | undefined {
  const { details, offCpu } = walk.columns;
  const id = details.offCpu(offCpu.id[row] ?? -1).blockIoId;
  return id === undefined ? undefined : details.blockIo(id);
}

export function diskWait(walk: Walk, wait: Wait): CauseNode {
  const { thread, row, startNs, endNs, depth, followed } = wait;
  const io = requestOf(walk, row);
  const base = { edge: 'disk', state: 'disk', thread: walk.ref(thread), startNs, endNs } as const;
  const rows = [walk.offCpuRow(row)];
  if (io === undefined) {
    const { offCpu, details, threads } = walk.columns;
    const woken = wakeKind(offCpu, row, details, threads);
    // Any other task may merely have been interrupted by the completion.
    if (woken.kind === 'task' && hasWork(walk.ref(woken.waker)?.name)) return waitedFor(walk, wait, woken);
    const file = walk.object(row)?.name;
    const label = `waiting for a disk${file === undefined ? '' : ` (${file})`}; which request was not seen`;
    return leaf({ ...base, label, ...walk.sure('pattern', startNs, endNs, row), rows });
  }
  const node = {
    ...base,
    label: `waiting for a ${io.operation} on disk ${io.device}`,
    ...walk.sure('host', startNs, endNs, row),
    rows: [...rows, { table: 'block_io', id: io.id } as const],
    object: walk.object(row),
  };
  return branch(node, followed ? expand(walk, thread, stages(walk, thread, io, startNs, endNs), depth) : []);
}

/** Before the request, in the queue, in the device, passed on: end to end over the wait. */
export function stages(
  walk: Walk,
  thread: number,
  io: BlockIo,
  startNs: number,
  endNs: number,
): readonly Part[] {
  const clip = (time: number): number => Math.min(endNs, Math.max(startNs, time));
  const queued = clip(io.startNs);
  const done = Math.max(queued, clip(io.endNs ?? endNs));
  const issued = Math.min(done, Math.max(queued, clip(io.issuedNs ?? io.startNs)));
  const part = (from: number, to: number, label: string): Part => ({
    startNs: from,
    endNs: to,
    state: 'disk',
    make: () =>
      leaf({
        edge: 'disk',
        state: 'disk',
        thread: walk.ref(thread),
        startNs: from,
        endNs: to,
        label,
        ...walk.sure('host', from, to),
        rows: [{ table: 'block_io', id: io.id }],
      }),
  });
  const early: Part = {
    startNs,
    endNs: queued,
    state: 'unexplained',
    make: () =>
      unexplained(walk.ref(thread), startNs, queued, 'it waited before the request that woke it was made'),
  };
  return [
    early,
    part(queued, issued, `in the queue of ${io.device}`),
    part(issued, done, `in the device ${io.device}`),
    part(done, endNs, `done, and not yet told to the thread`),
  ];
}
