// The stretch of time that a file is about. Its times count from 1970; a trace counts from its start, and holds 104 days.
// What lies more than 52 days from the middle event is no time of this recording: a broken clock, a broken row.

import type { DatabaseSync } from 'node:sqlite';
import { STARTED } from './codes.ts';
import type { Format } from './format.ts';

/** Nanoseconds since 1970. */
export interface SpanOfFile {
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Times outside of these two are refused. */
  readonly lowNs: bigint;
  readonly highNs: bigint;
  /** Rows of `events`, and why some are refused. */
  readonly events: number;
  readonly wrongTypes: number;
  readonly wrongTimes: number;
}

const HALF = 2n ** 52n;
const MOST = 2n ** 63n - 1n;

const TYPED = ['timestamp', 'duration', 'pid', 'tid', 'source', 'op']
  .map(column => `typeof(${column}) = 'integer'`)
  .join(' AND ');
const TIMED = `duration BETWEEN 0 AND ${HALF} AND timestamp BETWEEN :low AND :high AND ${STARTED} >= :low`;
const NUMBERED = 'pid BETWEEN 0 AND 4294967295 AND tid BETWEEN 0 AND 4294967295';

/** SQL over a row of `events`, with :low and :high bound: it can be imported. */
export const USABLE = `${TYPED} AND ${NUMBERED} AND ${TIMED}`;

/** Further times that belong to the recording, table by table. */
const OTHERS: readonly (readonly [table: string, columns: readonly string[]])[] = [
  ['sessions', ['started_at', 'stopped_at']],
  ['causal_chains', ['detected_at']],
  ['system_snapshots', ['timestamp']],
];

export function spanOf(db: DatabaseSync, format: Format): SpanOfFile {
  const others = OTHERS.flatMap(([table, columns]) =>
    columns.filter(column => format.tables.get(table)?.has(column)).map(column => [table, column] as const),
  );
  const middle = middleOf(db, 'events', 'timestamp') ?? middleOfAny(db, others) ?? 0n;
  const lowNs = middle > HALF ? middle - HALF : 0n;
  const highNs = middle < MOST - HALF ? middle + HALF : MOST;
  const bounds = { low: lowNs, high: highNs };
  const read = (sql: string): Record<string, unknown> => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.get(bounds) ?? {};
  };
  const found = read(
    `SELECT min(${STARTED}) AS first, max(timestamp + CASE WHEN ${STARTED} = timestamp THEN duration ELSE 0 END) AS last
     FROM events WHERE ${USABLE}`,
  );
  const times = others.flatMap(([table, column]) => {
    const row = read(
      `SELECT min(${column}) AS first, max(${column}) AS last FROM ${table}
       WHERE typeof(${column}) = 'integer' AND ${column} BETWEEN :low AND :high AND ${column} > 0`,
    );
    return [row['first'], row['last']];
  });
  const known = [found['first'], found['last'], ...times].filter(time => typeof time === 'bigint');
  const counts = db
    .prepare(
      `SELECT count(*) AS n, ifnull(sum(${TYPED} AND ${NUMBERED}), 0) AS typed, ifnull(sum(${USABLE}), 0) AS usable
       FROM events`,
    )
    .get(bounds);
  const [events, typed, usable] = [
    Number(counts?.['n']),
    Number(counts?.['typed']),
    Number(counts?.['usable']),
  ];
  return {
    startNs: known.reduce((least, time) => (time < least ? time : least), known[0] ?? 0n),
    endNs: known.reduce((most, time) => (time > most ? time : most), known[0] ?? 0n),
    lowNs,
    highNs,
    events,
    wrongTypes: events - typed,
    wrongTimes: typed - usable,
  };
}

/** The median of a column's times. */
function middleOf(db: DatabaseSync, table: string, column: string): bigint | undefined {
  const where = `typeof(${column}) = 'integer' AND ${column} > 0`;
  const statement = db.prepare(
    `SELECT ${column} AS time FROM ${table} WHERE ${where} ORDER BY ${column}
     LIMIT 1 OFFSET (SELECT count(*) / 2 FROM ${table} WHERE ${where})`,
  );
  statement.setReadBigInts(true);
  const time = statement.get()?.['time'];
  return typeof time === 'bigint' ? time : undefined;
}

function middleOfAny(
  db: DatabaseSync,
  columns: readonly (readonly [table: string, column: string])[],
): bigint | undefined {
  for (const [table, column] of columns) {
    const middle = middleOf(db, table, column);
    if (middle !== undefined) return middle;
  }
  return undefined;
}
