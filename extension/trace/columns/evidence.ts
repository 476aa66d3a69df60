// The rarer tables of a trace: memory stalls, CPU samples, retransmits, steal time. Each is loaded when an explanation
// first asks for it, whole and sorted: they are small beside the scheduler's.

import type { DatabaseSync } from 'node:sqlite';
import { loadRetransmits, type Retransmits } from './retransmits.ts';
import { loadSamples, type Samples } from './samples.ts';
import { loadStalls, type Stalls } from './stalls.ts';
import { loadSteal, type Steal } from './steal.ts';
import type { Threads } from './threads.ts';

export class Evidence {
  readonly #db: DatabaseSync;
  readonly #threads: Threads;
  readonly #captureEndNs: number;
  #stalls: Stalls | undefined;
  #samples: Samples | undefined;
  #retransmits: Retransmits | undefined;
  #steal: Steal | undefined;

  constructor(db: DatabaseSync, threads: Threads, captureEndNs: number) {
    this.#db = db;
    this.#threads = threads;
    this.#captureEndNs = captureEndNs;
  }

  get stalls(): Stalls {
    this.#stalls ??= loadStalls(this.#db, this.#threads, this.#captureEndNs);
    return this.#stalls;
  }

  get samples(): Samples {
    this.#samples ??= loadSamples(this.#db, this.#threads);
    return this.#samples;
  }

  get retransmits(): Retransmits {
    this.#retransmits ??= loadRetransmits(this.#db);
    return this.#retransmits;
  }

  get steal(): Steal {
    this.#steal ??= loadSteal(this.#db);
    return this.#steal;
  }
}
