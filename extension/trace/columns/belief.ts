// When events were lost or thinned: what lowers the confidence of an explanation that overlaps it.

import type { DatabaseSync } from 'node:sqlite';
import { eachRow, integer, text } from './read.ts';
import { upperBound } from './search.ts';

/** What is missing: the scheduler's events, CUDA calls, or the rest of the host's (disk, memory, network). */
export type Missing = 'scheduler' | 'cuda' | 'host';

/** Stretches of time, merged, so that one look tells whether an interval touches any. */
export class Stretches {
  readonly #startNs: Float64Array;
  readonly #endNs: Float64Array;

  constructor(stretches: readonly { readonly startNs: number; readonly endNs: number }[]) {
    const starts: number[] = [];
    const ends: number[] = [];
    for (const { startNs, endNs } of [...stretches].sort((a, b) => a.startNs - b.startNs)) {
      const last = ends.length - 1;
      if (last >= 0 && startNs <= (ends[last] as number)) ends[last] = Math.max(ends[last] as number, endNs);
      else {
        starts.push(startNs);
        ends.push(endNs);
      }
    }
    this.#startNs = Float64Array.from(starts);
    this.#endNs = Float64Array.from(ends);
  }

  overlap(startNs: number, endNs: number): boolean {
    const last = upperBound(this.#startNs, endNs - 1) - 1;
    return last >= 0 && (this.#endNs[last] as number) > startNs;
  }
}

export interface Doubts {
  readonly scheduler: Stretches;
  readonly cuda: Stretches;
  readonly host: Stretches;
}

/** Loss and coverage of the classes that explanations rest on. */
export function loadDoubts(db: DatabaseSync): Doubts {
  const found: Record<Missing, { startNs: number; endNs: number }[]> = { scheduler: [], cuda: [], host: [] };
  const add = (of: Missing | undefined, start: unknown, duration: unknown): void => {
    const startNs = integer(start);
    const durationNs = integer(duration);
    if (of === undefined || startNs === undefined || durationNs === undefined || durationNs < 0) return;
    // A loss of no length still stands at a moment: it touches whatever contains that moment.
    found[of].push({ startNs, endNs: startNs + Math.max(1, durationNs) });
  };
  eachRow(db, 'SELECT start_ns, duration_ns, class FROM loss', cells => {
    const of = cells[2];
    add(of === 'scheduler' || of === 'cuda' || of === 'host' ? of : undefined, cells[0], cells[1]);
  });
  eachRow(db, 'SELECT start_ns, duration_ns, what, kept FROM coverage', cells => {
    if (typeof cells[3] === 'number' && cells[3] >= 1) return;
    add(thinned(text(cells[2]) ?? ''), cells[0], cells[1]);
  });
  return {
    scheduler: new Stretches(found.scheduler),
    cuda: new Stretches(found.cuda),
    host: new Stretches(found.host),
  };
}

function thinned(what: string): Missing | undefined {
  if (/^(off.?cpu|scheduler|cpu.?slice|switch)/i.test(what)) return 'scheduler';
  if (/^(block|memory|tcp|host)/i.test(what)) return 'host';
  return /^(calls|returns|cuda)/i.test(what) ? 'cuda' : undefined;
}
