// Everything the engine of causes needs of a trace, as sorted columns; loaded once for each open database.

import type { DatabaseSync } from 'node:sqlite';
import { type Doubts, loadDoubts } from './belief.ts';
import { type Calls, loadCalls } from './calls.ts';
import { captureEnd, metaInteger } from './clock.ts';
import { Details } from './details.ts';
import { Evidence } from './evidence.ts';
import { loadNames } from './names.ts';
import { loadOffCpu, type OffCpu } from './off-cpu.ts';
import { Defects } from './read.ts';
import { loadSlices, type Slices } from './slices.ts';
import { loadThreads, type Threads } from './threads.ts';

export interface Columns {
  readonly captureEndNs: number;
  /** Process id of the collector that made the trace, which ran on the same host. */
  readonly collectorPid: number | undefined;
  readonly threads: Threads;
  readonly offCpu: OffCpu;
  readonly slices: Slices;
  readonly calls: Calls;
  readonly doubts: Doubts;
  readonly details: Details;
  /** Rarer rows, each kind loaded when it is first asked for. */
  readonly evidence: Evidence;
  /** What could not be believed, as sentences with counts; empty for an honest file. */
  readonly defects: readonly string[];
}

const loaded = new WeakMap<DatabaseSync, Columns>();

/** The columns of `db`, a read-only trace that was vetted when it was opened. Throws TraceError 'damaged'. */
export function columnsOf(db: DatabaseSync): Columns {
  const known = loaded.get(db);
  if (known !== undefined) return known;
  const defects = new Defects();
  const captureEndNs = captureEnd(db);
  const threads = loadThreads(db, defects);
  const names = loadNames(db);
  const columns: Columns = {
    captureEndNs,
    collectorPid: metaInteger(db, 'collector_pid'),
    threads,
    offCpu: loadOffCpu(db, threads, names, captureEndNs, defects),
    slices: loadSlices(db, threads, captureEndNs, defects),
    calls: loadCalls(db, threads, captureEndNs, defects),
    doubts: loadDoubts(db),
    details: new Details(db),
    evidence: new Evidence(db, threads, captureEndNs),
    defects: defects.sentences(),
  };
  loaded.set(db, columns);
  return columns;
}
