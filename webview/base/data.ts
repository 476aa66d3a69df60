// What the whole page knows about the trace, asked once and shared: the tabs that need it await the same promise.

import type {
  Cause,
  CausesResult,
  ClaimsResult,
  HostCheck,
  TraceStats,
  TraceSummary,
  Track,
} from '../../extension/trace/api.ts';
import type { Client } from './client.ts';

const once = <T>(ask: () => Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
};

export class Data {
  readonly summary: TraceSummary;
  readonly causes: () => Promise<CausesResult>;
  readonly stats: () => Promise<TraceStats>;
  readonly tracks: () => Promise<readonly Track[]>;
  readonly claims: () => Promise<ClaimsResult>;
  readonly check: () => Promise<HostCheck>;

  constructor(client: Client, summary: TraceSummary) {
    this.summary = summary;
    this.causes = once(() => client.call('causes', {}));
    this.stats = once(() => client.call('stats', {}));
    this.tracks = once(() => client.call('tracks', undefined));
    this.claims = once(() => client.call('claims', undefined));
    this.check = once(() => client.call('check', undefined));
  }
}

/** In the order of the list: what is trouble first, then where else the time went. */
export const troubles = (result: CausesResult): readonly Cause[] =>
  result.causes.filter(cause => cause.kind === 'cause' || cause.kind === 'lead');
export const noTroubles = (result: CausesResult): readonly Cause[] =>
  result.causes.filter(cause => cause.kind === 'work' || cause.kind === 'innocent');
