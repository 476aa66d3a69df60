// One SELECT of a stranger's, answered safely. What it may do is the authorizer's business (../guard.ts), how long it may
// take and how much memory is the watchdog's; here it is one statement, rows that fit, and a sentence for each refusal.

import type { StatementSync } from 'node:sqlite';
import type { SqlResult } from '../api.ts';
import { TraceError, toTraceError } from '../error.ts';
import { nearest } from './nearest.ts';
import type { Store } from './store.ts';

const DEFAULT_ROWS = 1_000;
const MOST_ROWS = 10_000;
/** Characters of an answer, about; a cell that is longer than this by itself is cut. */
const MOST_CHARACTERS = 1_000_000;
const MOST_IN_CELL = 100_000;

const ONE_SELECT = 'Ask one SELECT over the tables and views of the trace.';

/** Runs one statement; `limit` rows at most (default 1000, never over 10 000). */
export function sql(store: Store, query: { readonly query: string; readonly limit?: number }): SqlResult {
  const { guard } = store.open;
  guard.takeRefusal();
  try {
    const statement = prepareOne(store, query.query);
    return collect(statement, Math.max(1, Math.min(MOST_ROWS, query.limit ?? DEFAULT_ROWS)));
  } catch (error) {
    if (error instanceof TraceError) throw error;
    throw explainSqlError(store, query.query, guard.takeRefusal(), error);
  }
}

function prepareOne(store: Store, text: string): StatementSync {
  if (stripComments(text).trim() === '') throw new TraceError('bad_query', 'The query is empty.', ONE_SELECT);
  const statement = store.db.prepare(text);
  // prepare() compiles the first statement and forgets the rest: what it took is its sourceSQL.
  const rest = text.slice(text.indexOf(statement.sourceSQL) + statement.sourceSQL.length);
  if (stripComments(rest).replaceAll(';', '').trim() !== '') {
    throw new TraceError(
      'refused',
      'The query has more than one statement; only one is answered at a time.',
      'Send each SELECT by itself.',
    );
  }
  if (statement.columns().length === 0) {
    throw notAllowed(firstWord(text));
  }
  return statement;
}

/** How a statement begins that may be answered. */
const READING = new Set(['SELECT', 'WITH', 'VALUES', 'EXPLAIN', 'PRAGMA']);

const firstWord = (text: string): string =>
  /\w+/.exec(stripComments(text))?.[0]?.toUpperCase() ?? 'This statement';

/** Without SQL comments; an unfinished block comment reaches to the end, as it does in SQLite. */
function stripComments(text: string): string {
  return text.replace(/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, ' ');
}

function collect(statement: StatementSync, limit: number): SqlResult {
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  const columns = statement.columns().map(column => column.name);
  const rows: (string | number | null)[][] = [];
  let characters = 0;
  for (const cells of statement.iterate()) {
    if (rows.length === limit || characters > MOST_CHARACTERS) return { columns, rows, truncated: true };
    const row = (cells as unknown as readonly unknown[]).map(cell);
    for (const value of row) characters += typeof value === 'string' ? value.length : 8;
    rows.push(row);
  }
  return { columns, rows, truncated: false };
}

function cell(value: unknown): string | number | null {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array)
    return cut(`x'${Buffer.from(value.subarray(0, MOST_IN_CELL)).toString('hex')}'`);
  return typeof value === 'string' ? cut(value) : null;
}

const cut = (text: string): string =>
  text.length <= MOST_IN_CELL ? text : `${text.slice(0, MOST_IN_CELL)}…`;

const SQLITE_ERROR = 1;
const SQLITE_NOMEM = 7;
const SQLITE_TOOBIG = 18;
const SQLITE_AUTH = 23;

function explainSqlError(
  store: Store,
  text: string,
  refused: string | undefined,
  error: unknown,
): TraceError {
  const { message, errcode } = error as { message: string; errcode?: number };
  const primary = errcode === undefined ? undefined : errcode & 0xff;
  if (refused !== undefined || primary === SQLITE_AUTH) {
    // The authorizer sees DROP TABLE as DELETE and VACUUM INTO as ATTACH: name what was written.
    const word = firstWord(text);
    return notAllowed(READING.has(word) ? (refused ?? 'This statement') : word, error);
  }
  if (primary === SQLITE_TOOBIG) {
    return new TraceError(
      'refused',
      'The query makes a text, blob or row of more than 16 MiB.',
      'Select less in one row, or use substr().',
      error,
    );
  }
  if (primary === SQLITE_NOMEM) {
    return new TraceError(
      'memory',
      'The query needs more memory than it may have.',
      'Narrow it, or aggregate.',
      error,
    );
  }
  if (primary === SQLITE_ERROR)
    return new TraceError('bad_query', `${message}.`, suggest(store, message), error);
  return toTraceError(error);
}

function notAllowed(what: string, error?: unknown): TraceError {
  return new TraceError(
    'refused',
    `${what} is not allowed: a trace is only read, never changed.`,
    ONE_SELECT,
    error,
  );
}

/** What was meant instead of an unknown table or column. */
function suggest(store: Store, message: string): string | undefined {
  const { schema } = store.open;
  const relations = new Map([
    ...schema.tables,
    ...schema.views.map(view => [view.name, view.columns] as const),
  ]);
  const table = /no such table: (?:\w+\.)?(.+)$/.exec(message)?.[1];
  if (table !== undefined) {
    const near = nearest(table, [...relations.keys()]);
    return near === undefined
      ? `There are: ${[...relations.keys()].join(', ')}.`
      : `Did you mean ${near}(${relations.get(near)?.join(', ')})?`;
  }
  const column = /no such column: (?:.*\.)?"?([^"]+?)"?(?: - .*)?$/.exec(message)?.[1];
  if (column === undefined) return undefined;
  const near = nearest(column, [...new Set([...relations.values()].flat())]);
  if (near === undefined)
    return "The columns of a table: SELECT name FROM pragma_table_info('off_cpu_events').";
  const owners = [...relations].filter(([, columns]) => columns.includes(near)).map(([name]) => name);
  return `Did you mean ${near}, a column of ${owners.slice(0, 4).join(', ')}?`;
}
