// Small traces told in lines, for tests: who ran where, who waited for what, who woke them. Times are microseconds
// since the capture began. A thread runs on its CPU whenever no line says otherwise; the CPU slices follow from that.

import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const schema = readFileSync(new URL('../../../collector/schema.sql', import.meta.url), 'utf8');

export interface FixtureThread {
  readonly id: number;
  readonly tid: number;
  cpu: number;
  /** Runs only in the stretches named by `runs`. */
  explicit: boolean;
  readonly off: Off[];
  readonly slices: { cpu: number; fromUs: number; toUs: number }[];
}

interface Off {
  readonly fromUs: number;
  readonly ranUs: number | undefined;
  readonly cpuAfter: number;
}

export interface Wait {
  readonly from: number;
  /** When it was woken; left out: it never was. */
  readonly woken?: number;
  /** When it ran again; left out: when it was woken, or not before the capture stopped. */
  readonly ran?: number;
  readonly by?: FixtureThread;
  readonly context?: 'task' | 'kernel_thread' | 'interrupt';
  readonly interrupt?: string;
  readonly reason?: string;
  readonly object?: number;
  readonly futexOp?: number;
  readonly futexValue?: number;
  readonly timeoutUs?: number;
  readonly blockIo?: number;
  readonly cpuAfter?: number;
}

export class FixtureTrace {
  readonly #db = new DatabaseSync(':memory:');
  readonly #endUs: number;
  readonly #threads: FixtureThread[] = [];
  readonly #names = new Map<string, number>();
  readonly #functions = new Map<string, number>();
  #written = false;

  constructor(endUs: number) {
    this.#endUs = endUs;
    this.#db.exec(schema);
    this.#insert('meta', { key: 'duration_ns', value: String(endUs * 1000) });
  }

  thread(
    name: string,
    options: { cpu: number; process?: string; pid?: number; explicit?: boolean },
  ): FixtureThread {
    const id = this.#threads.length + 1;
    const pid = options.pid ?? 100;
    const known = this.#db.prepare('SELECT id FROM process WHERE pid = ?').get(pid);
    if (known === undefined) {
      this.#insert('process', {
        id: pid,
        pid,
        name: options.process ?? 'python3',
        is_target: 1,
        cgroup: '/serving',
      });
    }
    const tid = pid * 10 + id;
    this.#insert('thread', { id, process_id: pid, tid, name });
    const thread = { id, tid, cpu: options.cpu, explicit: options.explicit ?? false, off: [], slices: [] };
    this.#threads.push(thread);
    return thread;
  }

  /** For a thread made with `explicit`: it ran here, and was nowhere else. */
  runs(thread: FixtureThread, from: number, to: number, cpu = thread.cpu): void {
    thread.slices.push({ cpu, fromUs: from, toUs: to });
  }

  futex(address: number, name?: string): number {
    return this.object('futex', address, name);
  }

  object(kind: string, address: number, name?: string): number {
    return this.#insert('wait_object', { kind, address, name: name ?? null });
  }

  /** Returns the id of the row. */
  waits(thread: FixtureThread, wait: Wait): number {
    const ranUs = wait.ran ?? wait.woken;
    const cpuAfter = wait.cpuAfter ?? thread.cpu;
    thread.off.push({ fromUs: wait.from, ranUs, cpuAfter });
    const open = ranUs === undefined;
    return this.#insert('off_cpu', {
      thread_id: thread.id,
      start_ns: wait.from * 1000,
      duration_ns: open ? null : (ranUs - wait.from) * 1000,
      runnable_ns: open || wait.woken === undefined ? null : (ranUs - wait.woken) * 1000,
      reason_id: this.#name(wait.reason ?? 'futex'),
      object_id: wait.object ?? null,
      futex_op: wait.futexOp ?? null,
      futex_value: wait.futexValue ?? null,
      timeout_ns: wait.timeoutUs === undefined ? null : wait.timeoutUs * 1000,
      block_io_id: wait.blockIo ?? null,
      waker_thread_id: wait.by?.id ?? null,
      waker_context_id: this.#name(wait.context ?? (wait.by === undefined ? undefined : 'task')),
      interrupt_id: this.#name(wait.interrupt),
      cpu_before: thread.cpu,
      cpu_after: cpuAfter,
    });
  }

  /** Waits for a mutex as glibc does. */
  locks(thread: FixtureThread, object: number, wait: Omit<Wait, 'object' | 'reason'>): number {
    return this.waits(thread, { ...wait, object, reason: 'futex', futexOp: 0, futexValue: 2 });
  }

  /** Could run, and had no CPU. */
  preempted(thread: FixtureThread, from: number, to: number, reason = 'preempted'): number {
    return this.waits(thread, { from, woken: from, ran: to, reason });
  }

  /** A CUDA call; `to` left out: it had not returned. Returns the id of the row. */
  call(thread: FixtureThread, name: string, from: number, to?: number, category = 'launch'): number {
    let fn = this.#functions.get(name);
    if (fn === undefined) {
      const library = name.startsWith('cuda') ? 'runtime' : 'driver';
      fn = this.#insert('cuda_function', { name, library, category });
      this.#functions.set(name, fn);
    }
    return this.#insert('cuda_call', {
      thread_id: thread.id,
      function_id: fn,
      start_ns: from * 1000,
      duration_ns: to === undefined ? null : (to - from) * 1000,
    });
  }

  blockIo(io: { from: number; issued: number; to: number }): number {
    return this.#insert('block_io', {
      device: 'vda',
      sector: 0,
      bytes: 4096,
      operation: 'read',
      start_ns: io.from * 1000,
      queue_ns: (io.issued - io.from) * 1000,
      duration_ns: (io.to - io.from) * 1000,
    });
  }

  loss(from: number, to: number, kind: 'scheduler' | 'cuda'): void {
    this.#insert('loss', {
      start_ns: from * 1000,
      duration_ns: (to - from) * 1000,
      class: kind,
      source: 'ring',
      events: 10,
    });
  }

  /** For what no line above can say: hostile values. */
  sql(statement: string): void {
    this.#db.exec(statement);
  }

  /** Writes the CPU slices that follow from the lines, and hands the database over. */
  database(): DatabaseSync {
    if (!this.#written) for (const thread of this.#threads) this.#slices(thread);
    this.#written = true;
    return this.#db;
  }

  #slices(thread: FixtureThread): void {
    const slices = thread.explicit ? thread.slices : this.#between(thread);
    for (const { cpu, fromUs, toUs } of slices) {
      if (toUs <= fromUs) continue;
      this.#insert('cpu_slice', {
        cpu,
        start_ns: fromUs * 1000,
        thread_id: thread.id,
        duration_ns: (toUs - fromUs) * 1000,
      });
    }
  }

  #between(thread: FixtureThread): FixtureThread['slices'] {
    const slices: FixtureThread['slices'] = [];
    let cursor: number | undefined = 0;
    let cpu = thread.cpu;
    for (const off of [...thread.off].sort((a, b) => a.fromUs - b.fromUs)) {
      if (cursor !== undefined) slices.push({ cpu, fromUs: cursor, toUs: off.fromUs });
      cursor = off.ranUs;
      cpu = off.cpuAfter;
    }
    if (cursor !== undefined) slices.push({ cpu, fromUs: cursor, toUs: this.#endUs });
    return slices;
  }

  #name(name: string | undefined): number | null {
    if (name === undefined) return null;
    let id = this.#names.get(name);
    if (id === undefined) {
      id = this.#insert('name', { name });
      this.#names.set(name, id);
    }
    return id;
  }

  #insert(table: string, row: Readonly<Record<string, string | number | null>>): number {
    const columns = Object.keys(row);
    const marks = columns.map(() => '?').join(', ');
    const { lastInsertRowid } = this.#db
      .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`)
      .run(...Object.values(row));
    return Number(lastInsertRowid);
  }
}
