// What can go wrong with a trace, as an error that carries a reason to act on and a sentence for a person.

import type { TraceErrorReason, TraceErrorShape } from './api.ts';

export class TraceError extends Error implements TraceErrorShape {
  readonly reason: TraceErrorReason;
  declare readonly hint?: string;

  constructor(reason: TraceErrorReason, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TraceError';
    this.reason = reason;
    if (hint !== undefined) this.hint = hint;
  }

  /** The error as plain data, to cross a process boundary. */
  shape(): TraceErrorShape {
    const { reason, message, hint } = this;
    return hint === undefined ? { reason, message } : { reason, message, hint };
  }

  static from(shape: TraceErrorShape): TraceError {
    return new TraceError(shape.reason, shape.message, shape.hint);
  }
}

/**
 * Any thrown value as a TraceError. SQLite's own complaints about a file that does not hold together, and integers that
 * no trace may hold, become `damaged`; what nobody foresaw is `internal`.
 */
export function toTraceError(error: unknown): TraceError {
  if (error instanceof TraceError) return error;
  const {
    message = String(error),
    errcode,
    code,
  } = error as { message?: string; errcode?: number; code?: string };
  const primary = errcode === undefined ? undefined : errcode & 0xff;
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) return damaged(message, error);
  if (primary === SQLITE_IOERR) {
    return new TraceError(
      'unreadable',
      `The trace could not be read: ${message}.`,
      'Check the disk, then open it again.',
      error,
    );
  }
  if (code === 'ERR_OUT_OF_RANGE') {
    return damaged('it holds an integer beyond 2^53, which no trace does', error);
  }
  return new TraceError('internal', `Something unforeseen went wrong: ${message}`, undefined, error);
}

/** The sentence for a file whose contents contradict themselves. */
export function damaged(what: string, cause?: unknown): TraceError {
  return new TraceError(
    'damaged',
    `The trace is damaged: ${what}.`,
    'Pull it from the host again, or run `wakechain-collector finalize` on its spool.',
    cause,
  );
}

// Primary result codes of SQLite (sqlite.org/rescode.html); the extended code holds them in its low byte.
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
