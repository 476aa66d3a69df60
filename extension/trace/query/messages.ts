// What a client and the query process say to each other. One request at a time; every request gets one reply.

import type { Argument, Method, TraceErrorShape } from '../api.ts';
import type { ImportJob } from '../import/index.ts';
import type { ImportProgress } from '../import/progress.ts';

/**
 * Besides the methods of TraceApi: `open` (a path), `ready` (has it opened?), `load` (what nearly every answer needs, before
 * anybody waits for it), `glance` (what a list of traces shows), `recognise` (is it a trace of another tool?) and `import`,
 * the only one that writes and that tells how far it is.
 */
export type Request =
  | { readonly id: number; readonly method: 'open'; readonly argument: string }
  | { readonly id: number; readonly method: 'ready'; readonly argument: undefined }
  | { readonly id: number; readonly method: 'load'; readonly argument: undefined }
  | { readonly id: number; readonly method: 'glance'; readonly argument: string }
  | { readonly id: number; readonly method: 'recognise'; readonly argument: Omit<ImportJob, 'file'> }
  | { readonly id: number; readonly method: 'import'; readonly argument: ImportJob }
  | {
      readonly [M in Method]: { readonly id: number; readonly method: M; readonly argument: Argument<M> };
    }[Method];

export type Reply =
  | { readonly id: number; readonly ok: unknown }
  /** Not the last word on this request. */
  | { readonly id: number; readonly progress: ImportProgress }
  | { readonly id: number; readonly error: TraceErrorShape };

/** What the query process may use, told as its only argument (JSON): a call beyond either ends it. */
export interface Limits {
  readonly deadlineMs: number;
  readonly residentBytes: number;
}

/** Written to standard error by a process that ends itself for memory, so that its parent can say why. */
export const OUT_OF_MEMORY = 'wakechain: out of memory';
