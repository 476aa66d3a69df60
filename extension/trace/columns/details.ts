// What is asked of few rows is read when it is asked: rare columns of one off-CPU interval, an object's name, a frame.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { damaged, eachRow, integer, text } from './read.ts';
import { clean } from './text.ts';

export interface OffCpuDetail {
  readonly timeoutNs: number | undefined;
  readonly interrupt: string | undefined;
  readonly syscall: string | undefined;
  readonly nextThreadId: number | undefined;
  readonly blockIoId: number | undefined;
}

export interface WaitObject {
  readonly id: number;
  readonly kind: string;
  readonly address: number | undefined;
  readonly name: string | undefined;
}

export interface BlockIo {
  readonly id: number;
  readonly device: string;
  readonly operation: string;
  readonly bytes: number | undefined;
  readonly startNs: number;
  /** When it went to the device; undefined where that was not seen. */
  readonly issuedNs: number | undefined;
  readonly endNs: number | undefined;
}

export interface CodeSite {
  readonly function: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
}

export interface StallRow {
  readonly id: number;
  readonly kind: string;
}

/** Rows looked up one at a time, each question prepared once. Unknown ids answer undefined. */
export class Details {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #frames = new Map<number, CodeSite | undefined>();
  readonly #objects = new Map<number, WaitObject | undefined>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  offCpu(id: number): OffCpuDetail {
    const row = this.#one(
      `SELECT o.timeout_ns, i.name, c.name, o.next_thread_id, o.block_io_id FROM off_cpu o
       LEFT JOIN name i ON i.id = o.interrupt_id LEFT JOIN name c ON c.id = o.syscall_id WHERE o.id = ?`,
      id,
    );
    return {
      timeoutNs: integer(row?.[0]),
      interrupt: cleaned(row?.[1]),
      syscall: cleaned(row?.[2]),
      nextThreadId: integer(row?.[3]),
      blockIoId: integer(row?.[4]),
    };
  }

  object(id: number): WaitObject | undefined {
    if (!this.#objects.has(id)) {
      const row = this.#one('SELECT kind, address, name FROM wait_object WHERE id = ?', id);
      this.#objects.set(
        id,
        row === undefined
          ? undefined
          : { id, kind: cleaned(row[0]) ?? 'other', address: integer(row[1]), name: cleaned(row[2]) },
      );
    }
    return this.#objects.get(id);
  }

  frame(id: number): CodeSite | undefined {
    if (!this.#frames.has(id)) {
      const row = this.#one('SELECT function, file, line FROM frame WHERE id = ?', id);
      const name = cleaned(row?.[0]);
      this.#frames.set(
        id,
        name === undefined ? undefined : { function: name, file: cleaned(row?.[1]), line: integer(row?.[2]) },
      );
    }
    return this.#frames.get(id);
  }

  blockIo(id: number): BlockIo | undefined {
    const row = this.#one(
      'SELECT device, operation, bytes, start_ns, queue_ns, duration_ns FROM block_io WHERE id = ?',
      id,
    );
    const startNs = integer(row?.[3]);
    if (row === undefined || startNs === undefined) return undefined;
    const queue = integer(row[4]);
    const duration = integer(row[5]);
    return {
      id,
      device: cleaned(row[0]) ?? '?',
      operation: cleaned(row[1]) ?? 'request',
      bytes: integer(row[2]),
      startNs,
      issuedNs: queue === undefined ? undefined : startNs + queue,
      endNs: duration === undefined ? undefined : startNs + duration,
    };
  }

  /** Retransmits of this socket in [fromNs, toNs). */
  retransmits(objectId: number, fromNs: number, toNs: number): readonly number[] {
    const sql =
      'SELECT id FROM tcp_retransmit WHERE object_id = ? AND at_ns >= ? AND at_ns < ? ORDER BY id LIMIT 16';
    return this.#many(sql, objectId, fromNs, toNs).map(row => integer(row[0]) ?? -1);
  }

  /** Memory stalls of this thread (thread.id) that overlap [fromNs, toNs). */
  memoryStalls(threadId: number, fromNs: number, toNs: number): readonly StallRow[] {
    const sql = `SELECT id, kind FROM memory_stall WHERE thread_id = ? AND start_ns < ?
      AND start_ns + coalesce(duration_ns, 0) >= ? ORDER BY id LIMIT 16`;
    return this.#many(sql, threadId, toNs, fromNs).map(row => ({
      id: integer(row[0]) ?? -1,
      kind: cleaned(row[1]) ?? 'page_fault',
    }));
  }

  #one(sql: string, ...values: number[]): readonly unknown[] | undefined {
    return this.#many(sql, ...values)[0];
  }

  #many(sql: string, ...values: number[]): readonly (readonly unknown[])[] {
    try {
      const rows = this.#prepared(sql).all(...values) as unknown as readonly (readonly unknown[])[];
      return rows.map(row => row.map(cell => (typeof cell === 'bigint' ? Number(cell) : cell)));
    } catch (error) {
      throw damaged(error);
    }
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    // One odd value must not cost the answer: integers arrive as BigInt and are narrowed.
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function cleaned(cell: unknown): string | undefined {
  const value = text(cell);
  return value === undefined ? undefined : clean(value);
}

/** Whether the file holds any row of `table`; asked once, so that empty tables cost nothing later. */
export function hasRows(db: DatabaseSync, table: 'tcp_retransmit' | 'memory_stall' | 'cpu_sample'): boolean {
  let found = false;
  eachRow(db, `SELECT 1 FROM ${table} LIMIT 1`, () => {
    found = true;
  });
  return found;
}
