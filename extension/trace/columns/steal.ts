// Steal time: the share of the host's CPU time that a hypervisor gave to others. While it is high, "on the CPU" may be
// the hypervisor's doing.

import type { DatabaseSync } from 'node:sqlite';
import { eachRow, integer } from './read.ts';
import { lowerBound } from './search.ts';

export interface Steal {
  readonly atNs: Float64Array;
  /** 0 to 100, of the stretch that ends at `atNs`. */
  readonly percent: Float64Array;
}

export function loadSteal(db: DatabaseSync): Steal {
  const at: number[] = [];
  const percent: number[] = [];
  const select = "SELECT at_ns, value FROM sample WHERE metric = 'cpu.steal_percent' ORDER BY at_ns";
  eachRow(db, select, cells => {
    const atNs = integer(cells[0]);
    const value = cells[1];
    if (atNs === undefined || typeof value !== 'number' || !(value >= 0 && value <= 100)) return;
    at.push(atNs);
    percent.push(value);
  });
  return { atNs: Float64Array.from(at), percent: Float64Array.from(percent) };
}

/** The highest share that any reading gives for a moment of [startNs, endNs); 0 where none was taken. */
export function stolen(steal: Steal, startNs: number, endNs: number): number {
  const first = lowerBound(steal.atNs, startNs);
  let most = 0;
  for (let reading = first; reading < steal.atNs.length; reading++) {
    most = Math.max(most, steal.percent[reading] as number);
    // This reading's stretch reaches beyond the end: the next one is about later.
    if ((steal.atNs[reading] as number) >= endNs) break;
  }
  return most;
}
