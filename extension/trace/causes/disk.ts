// A thread waits for the disk: the request whose completion woke it, in the queue and in the device apart.

import type { CauseNode } from '../api.ts';
import type { BlockIo } from '../columns/details.ts';
import { branch, leaf, PATTERN_ONLY, SEEN, unexplained } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import type { Walk } from './walk.ts';

export function diskWait(
  walk: Walk,
  thread: number,
  row: number,
  startNs: number,
  endNs: number,
  depth: number,
  followed: boolean,
): CauseNode {
  const { details, offCpu } = walk.columns;
  const ioId = details.offCpu(offCpu.id[row] ?? -1).blockIoId;
  const io = ioId === undefined ? undefined : details.blockIo(ioId);
  const base = { edge: 'disk', state: 'disk', thread: walk.ref(thread), startNs, endNs } as const;
  const rows = [walk.offCpuRow(row)];
  if (io === undefined) {
    const confidence = walk.trust(PATTERN_ONLY, startNs, endNs);
    return leaf({ ...base, label: 'waiting for a disk; which request was not seen', confidence, rows });
  }
  const node = {
    ...base,
    label: `waiting for ${io.operation} on ${io.device}`,
    confidence: walk.trust(SEEN, startNs, endNs),
    rows: [...rows, { table: 'block_io', id: io.id } as const],
  };
  return branch(node, followed ? expand(walk, thread, stages(walk, thread, io, startNs, endNs), depth) : []);
}

/** Before the request, in the queue, in the device, passed on: end to end over the wait. */
function stages(walk: Walk, thread: number, io: BlockIo, startNs: number, endNs: number): readonly Part[] {
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
        confidence: walk.trust(SEEN, from, to),
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
    part(done, endNs, `done, and being passed on`),
  ];
}
