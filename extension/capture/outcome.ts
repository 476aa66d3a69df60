// How a capture ended, as a value.

import type { RemoteError } from '../remote/errors.ts';

export type Stage = 'connect' | 'upload' | 'check' | 'choose' | 'record' | 'finish' | 'pull' | 'clean';

/** A recording that stays on its host, and can be fetched later. */
export interface Kept {
  /** Absolute path of the folder there. */
  readonly folder: string;
  /** ISO 8601, UTC: when the capture began. */
  readonly time: string;
}

export interface Captured {
  readonly host: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Undefined where the collector finished while nobody listened: the trace itself tells. */
  readonly events: number | undefined;
  readonly lost: number | undefined;
  readonly commandExitStatus: number | undefined;
  /** Sentences that belong beside the trace: what went wrong on the way, and was mended. */
  readonly remarks: readonly string[];
}

export type CaptureOutcome =
  | (Captured & { readonly kind: 'captured'; readonly leftovers: readonly string[] })
  | {
      readonly kind: 'cancelled';
      readonly stage: Stage;
      /** Only where what was cancelled is the fetching of it. */
      readonly kept: Kept | undefined;
      readonly leftovers: readonly string[];
    }
  | {
      readonly kind: 'failed';
      readonly stage: Stage;
      readonly error: RemoteError;
      /** What was recorded until then, where there is something. */
      readonly kept: Kept | undefined;
      readonly leftovers: readonly string[];
    };
