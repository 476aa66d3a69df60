// Windows as agents and people give them: seconds since the capture began, or ISO times in UTC, pasted from a metrics
// tool. Both become nanoseconds since the capture began.

import { TraceError } from '../trace/error.ts';
import { type Ns, ns, type Span } from '../trace/time.ts';

/** Seconds, or an ISO time. */
export type Moment = number | string;

export interface Capture {
  /** Nanoseconds since 1970, a decimal string. */
  readonly startUnixNs: string;
  readonly durationNs: Ns;
}

/** The window between two moments; either may be left out. Undefined when both are. */
export function windowOf(
  start: Moment | undefined,
  end: Moment | undefined,
  capture: Capture,
): Span | undefined {
  if (start === undefined && end === undefined) return undefined;
  const startNs = start === undefined ? 0 : momentNs(start, capture);
  const endNs = end === undefined ? capture.durationNs : momentNs(end, capture);
  if (startNs >= endNs) {
    throw new TraceError(
      'bad_query',
      'The window ends before it begins.',
      'Give a start that lies before the end.',
    );
  }
  return { startNs: ns(startNs), endNs: ns(endNs) };
}

function momentNs(moment: Moment, capture: Capture): number {
  const seconds =
    typeof moment === 'number' ? moment : /^\s*-?\d+(\.\d+)?\s*$/.test(moment) ? Number(moment) : undefined;
  if (seconds !== undefined) return Math.round(seconds * 1e9);
  const unixNs = isoToUnixNs(String(moment));
  if (unixNs === undefined) {
    throw new TraceError(
      'bad_query',
      `"${moment}" is no moment that I can read.`,
      'Give seconds since the capture began (1.25) or an ISO time in UTC (2026-01-31T12:00:00.250Z).',
    );
  }
  return Number(unixNs - BigInt(capture.startUnixNs));
}

/** Exact to the nanosecond, which Date is not. A time without a zone is UTC. */
function isoToUnixNs(text: string): bigint | undefined {
  const parts =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(
      text.trim(),
    );
  if (parts === null) return undefined;
  const [, day, time = '00:00:00', fraction = '', zone = 'Z'] = parts;
  const ms = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
