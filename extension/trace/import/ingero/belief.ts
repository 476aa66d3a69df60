// What an Ingero file cannot say, said: stretches that it covers in part or not at all, and the notes that a reader gets.
//
// It stores a choice of what it saw (research: the rules are in its source): most launches, all wake-ups and the switches
// of every thread but the main one of a CUDA process are at best sums by the minute. So a gap between two calls need not
// be one, and a thread that is not off the CPU by this file need not have been on it.

import type { DatabaseSync } from 'node:sqlite';
import { GAPS } from '../../causes/gaps-known.ts';
import type { Target } from '../target.ts';
import { count } from './cells.ts';
import { meaningOf } from './codes.ts';
import type { Format } from './format.ts';
import { rowsOf } from './people.ts';
import type { SpanOfFile } from './span.ts';

/** Rows of one kind that its sums by the minute counted, and that it stored by the same sums. */
export interface Counted {
  readonly what: string;
  readonly count: number;
  readonly stored: number;
}

const AGGREGATE = ['source', 'op', 'count', 'stored'];

/** The sums lose late rows at the edges of minutes: a lower bound of what there was. */
export function countedOf(db: DatabaseSync, format: Format): readonly Counted[] {
  const sums = new Map<string, { count: number; stored: number }>();
  for (const row of rowsOf(db, format, 'event_aggregates', AGGREGATE)) {
    const [source, op] = [count(row['source']), count(row['op'])];
    const [seen, stored] = [count(row['count']), count(row['stored'])];
    if (source === undefined || op === undefined || seen === undefined || stored === undefined) continue;
    const what = nameOf(source, op);
    const sum = sums.get(what) ?? { count: 0, stored: 0 };
    sums.set(what, { count: sum.count + seen, stored: sum.stored + stored });
  }
  return [...sums]
    .map(([what, sum]) => ({ what, ...sum }))
    .filter(sum => Number.isSafeInteger(sum.count) && Number.isSafeInteger(sum.stored))
    .sort((a, b) => b.count - a.count || (a.what < b.what ? -1 : 1));
}

function nameOf(source: number, op: number): string {
  const meaning = meaningOf(source, op);
  switch (meaning.kind) {
    case 'call':
      return `calls of ${meaning.function}`;
    case 'off_cpu':
      return 'switches';
    case 'block_io':
      return `block I/O (${meaning.operation})`;
    case 'tcp_retransmit':
      return 'TCP retransmits';
    default:
      return meaning.name;
  }
}

/** `what` of the row that says that time not off the CPU is not known to be on it. */
export const SWITCHES = 'switches of threads other than main ones';

export function writeCoverage(target: Target, span: SpanOfFile, counted: readonly Counted[]): void {
  const durationNs = Math.max(1, Number(span.endNs - span.startNs));
  const add = (what: string, reason: string, kept: number): void =>
    target.add('coverage', [0, durationNs, what, reason, Math.min(1, Math.max(0, kept))]);
  add(GAPS, 'Ingero stores a choice of the calls: a gap in the file need not be one', 0);
  add(SWITCHES, 'Ingero records switches of main threads only', 0);
  add('reasons, wakers and lock holders of waits', 'Ingero does not record them', 0);
  const refused = span.wrongTypes + span.wrongTimes;
  if (refused > 0) add('rows of events', 'values that cannot be', 1 - refused / span.events);
  for (const { what, count: seen, stored } of counted) {
    if (seen > stored) add(what, 'stored by Ingero, by its own sums', stored / seen);
  }
}
