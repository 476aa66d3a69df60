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
  readonly futexValue: number | undefined;
  readonly stackId: number | undefined;
  readonly kernelStackId: number | undefined;
}

export interface WaitObject {
  readonly id: number;
  readonly kind: string;
  /** Owner of a private futex. */
  readonly processId: number | undefined;
  readonly address: number | undefined;
  readonly name: string | undefined;
}

export interface BlockIo {
  readonly id: number;
  readonly device: string;
  readonly operation: string;
  readonly bytes: number | undefined;
  readonly startNs: number;
  /** Who asked for it (thread.id). */
  readonly threadId: number | undefined;
  /** When it went to the device; undefined where that was not seen. */
  readonly issuedNs: number | undefined;
  readonly endNs: number | undefined;
}

export interface CodeSite {
  readonly function: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
}

export interface StackSite extends CodeSite {
  /** native, python, kernel, broken */
  readonly kind: string;
}

/** Deeper frames are not asked for, so that a stack whose parents form a ring ends. */
const MOST_FRAMES = 128;
/** Stacks kept before they are forgotten and read again. */
const MOST_STACKS = 20_000;

/** Names a futex word: its process (none = shared) and address. */
export const wordKey = (processId: number | undefined, address: number): string =>
  `${processId ?? 'shared'}:${address}`;

/** Rows looked up one at a time, each question prepared once. Unknown ids answer undefined. */
export class Details {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #frames = new Map<number, CodeSite | undefined>();
  readonly #objects = new Map<number, WaitObject | undefined>();
  readonly #stacks = new Map<number, readonly StackSite[]>();
  #words: ReadonlyMap<string, number> | undefined;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  offCpu(id: number): OffCpuDetail {
    const row = this.#one(
      `SELECT o.timeout_ns, i.name, c.name, o.next_thread_id, o.block_io_id, o.futex_value, o.stack_id,
         o.kernel_stack_id FROM off_cpu o
       LEFT JOIN name i ON i.id = o.interrupt_id LEFT JOIN name c ON c.id = o.syscall_id WHERE o.id = ?`,
      id,
    );
    return {
      timeoutNs: integer(row?.[0]),
      interrupt: cleaned(row?.[1]),
      syscall: cleaned(row?.[2]),
      nextThreadId: integer(row?.[3]),
      blockIoId: integer(row?.[4]),
      futexValue: integer(row?.[5]),
      stackId: integer(row?.[6]),
      kernelStackId: integer(row?.[7]),
    };
  }

  object(id: number): WaitObject | undefined {
    if (!this.#objects.has(id)) {
      const row = this.#one('SELECT kind, address, name, process_id FROM wait_object WHERE id = ?', id);
      this.#objects.set(
        id,
        row === undefined
          ? undefined
          : {
              id,
              kind: cleaned(row[0]) ?? 'other',
              address: integer(row[1]),
              name: cleaned(row[2]),
              processId: integer(row[3]),
            },
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
      'SELECT device, operation, bytes, start_ns, queue_ns, duration_ns, thread_id FROM block_io WHERE id = ?',
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
      threadId: integer(row[6]),
    };
  }

  /** Frames of a stack, innermost first, MOST_FRAMES at most; none for an unknown one. */
  stack(id: number): readonly StackSite[] {
    const known = this.#stacks.get(id);
    if (known !== undefined) return known;
    const frames: StackSite[] = [];
    let at: number | undefined = id;
    while (at !== undefined && frames.length < MOST_FRAMES) {
      const row = this.#one(
        'SELECT s.parent_id, f.kind, f.function, f.file, f.line FROM stack s JOIN frame f ON f.id = s.frame_id WHERE s.id = ?',
        at,
      );
      const name = cleaned(row?.[2]);
      if (row === undefined || name === undefined) break;
      frames.push({
        kind: cleaned(row[1]) ?? 'native',
        function: name,
        file: cleaned(row[3]),
        line: integer(row[4]),
      });
      at = integer(row[0]);
    }
    if (this.#stacks.size >= MOST_STACKS) this.#stacks.clear();
    this.#stacks.set(id, frames);
    return frames;
  }

  /** Every futex of the file, for finding words that lie side by side; read once. */
  futexWords(): ReadonlyMap<string, number> {
    if (this.#words === undefined) {
      const words = new Map<string, number>();
      eachRow(this.#db, "SELECT id, process_id, address FROM wait_object WHERE kind = 'futex'", cells => {
        const id = integer(cells[0]);
        const address = integer(cells[2]);
        if (id !== undefined && address !== undefined) words.set(wordKey(integer(cells[1]), address), id);
      });
      this.#words = words;
    }
    return this.#words;
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
