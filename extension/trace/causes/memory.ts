// Memory: page faults, and the kernel freeing memory before it can give any (reclaim, compaction). Blocked in one, the
// disk request that brought the page is told below it; on the CPU in one, it is the kernel's work and not the program's.

import type { CauseNode } from '../api.ts';
import type { Stall } from '../columns/stalls.ts';
import { requestOf, stages } from './disk.ts';
import { branch, leaf } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import type { Wait } from './wait.ts';
import type { Walk } from './walk.ts';

const WHAT: Readonly<Record<string, string>> = {
  page_fault: 'a page fault',
  reclaim: 'the kernel to free memory (reclaim)',
  compaction: 'the kernel to make room for a large page (compaction)',
};
/** Of a wait that does not say so itself, this share must lie in a memory stall of the thread. */
const MOSTLY = 0.5;
const SHOWN = 16;

/** Stalls of the thread that overlap the interval, clipped to it, by time. */
export function stallsIn(walk: Walk, thread: number, startNs: number, endNs: number): readonly Stall[] {
  const stalls = walk.columns.evidence.stalls.get(thread);
  if (stalls === undefined) return [];
  let low = 0;
  let high = stalls.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((stalls[middle]?.endNs ?? 0) <= startNs) low = middle + 1;
    else high = middle;
  }
  const found: Stall[] = [];
  for (let at = low; at < stalls.length; at++) {
    const stall = stalls[at];
    if (stall === undefined || stall.startNs >= endNs) break;
    found.push({ ...stall, startNs: Math.max(startNs, stall.startNs), endNs: Math.min(endNs, stall.endNs) });
  }
  return found;
}

/** A wait inside a memory stall; undefined where neither its reason nor a stall says that it was one. */
export function memoryWait(walk: Walk, wait: Wait): CauseNode | undefined {
  const { startNs, endNs, thread, row } = wait;
  const stalls = stallsIn(walk, thread, startNs, endNs);
  const covered = stalls.reduce((sum, stall) => sum + stall.endNs - stall.startNs, 0);
  const io = requestOf(walk, row);
  if (covered < (endNs - startNs) * MOSTLY && io === undefined) return undefined;
  const base = {
    edge: 'page_fault',
    state: 'page_fault',
    thread: walk.ref(thread),
    startNs,
    endNs,
    label: `waiting for ${WHAT[longestKind(stalls)] ?? 'memory'}`,
    ...walk.sure('host', startNs, endNs, row),
    rows: [
      walk.offCpuRow(row),
      ...stalls.slice(0, SHOWN).map(({ id }) => ({ table: 'memory_stall', id }) as const),
    ],
  } as const;
  if (io === undefined || !wait.followed) return leaf(base);
  const label = `${base.label}, read from ${io.device}`;
  return branch(
    { ...base, label },
    expand(walk, thread, stages(walk, thread, io, startNs, endNs), wait.depth),
  );
}

/** The same while the thread ran: the kernel worked on its memory. */
export function memoryPart(walk: Walk, thread: number, stall: Stall): Part {
  const { startNs, endNs, kind, id } = stall;
  const make = (): CauseNode =>
    leaf({
      edge: 'page_fault',
      state: 'page_fault',
      thread: walk.ref(thread),
      startNs,
      endNs,
      label: `in the kernel for ${kind === 'page_fault' ? 'a page fault' : `memory (${kind})`}`,
      ...walk.sure('host', startNs, endNs),
      rows: [{ table: 'memory_stall', id }],
    });
  return { startNs, endNs, state: 'page_fault', make };
}

function longestKind(stalls: readonly Stall[]): string {
  const sums = new Map<string, number>();
  for (const { kind, startNs, endNs } of stalls) sums.set(kind, (sums.get(kind) ?? 0) + endNs - startNs);
  let longest = 'page_fault';
  for (const [kind, sum] of sums) if (sum > (sums.get(longest) ?? 0)) longest = kind;
  return longest;
}
