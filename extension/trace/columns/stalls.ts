// A thread's own time in the kernel for memory: page faults, reclaim, compaction. Reclaim happens inside faults, so rows
// nest: each moment belongs to the innermost, the one that says most.
//
//     page_fault |-----------------------|        page_fault |----|
//     reclaim         |-------|              ->   reclaim         |-------|
//                                                 page_fault              |----------|

import type { DatabaseSync } from 'node:sqlite';
import { numeric } from '../pages/scan.ts';
import { believe, type Interval } from './clock.ts';
import { Defects, eachRow, integer, text } from './read.ts';
import { clean } from './text.ts';
import type { Threads } from './threads.ts';

export interface Stall {
  readonly id: number;
  /** page_fault, reclaim, compaction */
  readonly kind: string;
  readonly startNs: number;
  readonly endNs: number;
}

/** By thread index: stretches in order of time that never overlap. */
export type Stalls = ReadonlyMap<number, readonly Stall[]>;

export function loadStalls(db: DatabaseSync, threads: Threads, captureEndNs: number): Stalls {
  const byThread = new Map<number, Stall[]>();
  const interval: Interval = { startNs: 0, endNs: 0, open: false };
  const defects = new Defects();
  eachRow(db, 'SELECT id, thread_id, kind, start_ns, duration_ns FROM memory_stall', cells => {
    const thread = threads.byId.get(integer(cells[1]) ?? -1);
    if (thread === undefined) return;
    if (!believe(interval, numeric(cells[3]), numeric(cells[4]), captureEndNs, 'memory stalls', defects))
      return;
    let stalls = byThread.get(thread);
    if (stalls === undefined) {
      stalls = [];
      byThread.set(thread, stalls);
    }
    const { startNs, endNs } = interval;
    stalls.push({ id: integer(cells[0]) ?? -1, kind: clean(text(cells[2]) ?? 'page_fault'), startNs, endNs });
  });
  return new Map([...byThread].map(([thread, stalls]) => [thread, innermost(stalls)]));
}

/** Cuts nested and overlapping stalls so that the one that began last has each moment. */
export function innermost(stalls: readonly Stall[]): readonly Stall[] {
  const sorted = [...stalls].sort((a, b) => a.startNs - b.startNs || b.endNs - a.endNs || a.id - b.id);
  const cut: Stall[] = [];
  const open: Stall[] = [];
  let cursor = 0;
  const give = (stall: Stall, until: number): void => {
    if (until > cursor) cut.push({ ...stall, startNs: cursor, endNs: until });
    cursor = Math.max(cursor, until);
  };
  const closeUntil = (timeNs: number): void => {
    for (let last = open.at(-1); last !== undefined && last.endNs <= timeNs; last = open.at(-1)) {
      give(last, last.endNs);
      open.pop();
    }
  };
  for (const stall of sorted) {
    closeUntil(stall.startNs);
    const around = open.at(-1);
    if (around !== undefined) give(around, stall.startNs);
    cursor = Math.max(cursor, stall.startNs);
    open.push(stall);
  }
  closeUntil(Number.POSITIVE_INFINITY);
  return cut;
}
