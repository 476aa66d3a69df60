// The table `events`, row by row in order of their start: each becomes exactly one row of the trace.

import type { DatabaseSync } from 'node:sqlite';
import type { Target } from '../target.ts';
import { count, hex, integer, text } from './cells.ts';
import { COPY_KINDS, type Meaning, meaningOf, STARTED, TCP_STATES } from './codes.ts';
import { type Format, selected } from './format.ts';
import { People, type Thread } from './people.ts';
import type { Instant } from './rest.ts';
import { type SpanOfFile, USABLE } from './span.ts';
import { Stacks } from './stacks.ts';

/** Rows between two looks at the clock of whoever waits. */
const BATCH = 10_000;

const COLUMNS = [
  ...['source', 'op', 'duration', 'pid', 'tid', 'node', 'comm', 'gpu_id', 'arg0', 'arg1', 'ret_code'],
  ...['stack_hash', 'cgroup_id', 'rank'],
] as const;

type Column = (typeof COLUMNS)[number] | 'at';
type Row = Readonly<Record<Column, unknown>>;

export interface ImportedEvents {
  readonly people: People;
  readonly imported: number;
  /** How many of the claims that were to be woven in. */
  readonly claims: number;
}

/**
 * Writes all usable events, and `claims` among the points in time, whose ids ascend with time. Calls `batch` now and
 * then with how many events are done.
 */
export async function importEvents(
  target: Target,
  db: DatabaseSync,
  format: Format,
  span: SpanOfFile,
  claims: Iterator<Instant>,
  batch: (done: number) => Promise<void>,
): Promise<ImportedEvents> {
  const importer = new Events(target, new Stacks(target, db, format), claims);
  // Rows that began together: the outer call first, as its parent; then as they were written.
  const statement = db.prepare(
    `SELECT ${STARTED} - :start AS at, ${selected(format, 'events', COLUMNS)} FROM events WHERE ${USABLE}
     ORDER BY at, duration DESC, source, op, ${tieOf(db)}`,
  );
  statement.setReadBigInts(true);
  const rows = statement.iterate({ start: span.startNs, low: span.lowNs, high: span.highNs });
  let done = 0;
  for (const row of rows as Iterable<Row>) {
    importer.add(row);
    done += 1;
    if (done % BATCH === 0) await batch(done);
  }
  await batch(done);
  const { people } = importer;
  return { people, imported: done, claims: importer.restOfClaims() };
}

function tieOf(db: DatabaseSync): string {
  const table = db
    .prepare("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = 'events'")
    .get();
  return table?.['wr'] === 1 ? 'pid, tid' : 'rowid';
}

interface OpenCall {
  readonly id: number;
  readonly endNs: number;
}

class Events {
  readonly people = new People();
  readonly #target: Target;
  readonly #stacks: Stacks;
  readonly #ids = new Map<string, number>();
  readonly #functions = new Map<string, number>();
  readonly #kernels = new Map<bigint, number>();
  readonly #streams = new Map<string, number>();
  /** Calls of each thread that the next one may lie inside of, outermost first. */
  readonly #open = new Map<number, OpenCall[]>();

  readonly #claims: Iterator<Instant>;
  #claim: Instant | undefined;
  #claimed = 0;

  constructor(target: Target, stacks: Stacks, claims: Iterator<Instant>) {
    this.#target = target;
    this.#stacks = stacks;
    this.#claims = claims;
    this.#claim = claims.next().value;
  }

  /** Writes those later than the last event; how many there were in all. */
  restOfClaims(): number {
    this.#claimsBefore(Number.POSITIVE_INFINITY);
    return this.#claimed;
  }

  #claimsBefore(atNs: number): void {
    while (this.#claim !== undefined && this.#claim.atNs < atNs) {
      const { atNs: at, kind, details } = this.#claim;
      this.#target.add('instant', [this.#id('instant'), at, kind, null, details]);
      this.#claimed += 1;
      this.#claim = this.#claims.next().value;
    }
  }

  add(row: Row): void {
    const atNs = integer(row.at) ?? 0;
    const durationNs = integer(row.duration) ?? 0;
    const who = {
      node: text(row.node) ?? '',
      pid: integer(row.pid) ?? 0,
      tid: integer(row.tid) ?? 0,
      comm: text(row.comm),
    };
    const thread = this.people.thread(who);
    thread.process.rank ??= integer(row.rank);
    const meaning = meaningOf(integer(row.source) ?? -1, integer(row.op) ?? -1);
    // The cgroup of a switch is that of the task before (research: ingero.md).
    const cgroup = meaning.kind === 'off_cpu' ? 0 : count(row.cgroup_id);
    if (cgroup !== undefined && cgroup > 0) thread.process.cgroup ??= cgroup;
    if (meaning.kind === 'call') {
      thread.process.isTarget = true;
      this.#call(row, meaning, thread.id, thread.process.id, atNs, durationNs);
    } else if (!this.#host(row, meaning, thread, atNs, durationNs)) {
      this.#instant(row, meaning, thread.id, atNs, durationNs);
    }
  }

  /** What the kernel did; false where it fits no table, and is kept as a point in time. */
  #host(row: Row, meaning: Meaning, thread: Thread, atNs: number, durationNs: number): boolean {
    switch (meaning.kind) {
      case 'off_cpu': {
        const stack = this.#stacks.of(row.stack_hash);
        this.#target.add('off_cpu', [
          ...[this.#id('off_cpu'), thread.id, atNs, durationNs, 0, null, this.#target.word('other')],
          ...[null, null, null, null, null, null, stack],
        ]);
        return true;
      }
      case 'block_io': {
        const [sectors, sector] = [count(row.arg0), count(row.arg1)];
        const bytes = count((sectors ?? Number.NaN) * SECTOR_BYTES);
        if (bytes === undefined || sector === undefined) return false;
        this.#target.add('block_io', [
          ...[this.#id('block_io'), 'not recorded', sector, bytes, meaning.operation, thread.id],
          ...[atNs, null, durationNs, 0],
        ]);
        return true;
      }
      case 'syscall': {
        const word = this.#target.word(meaning.name);
        const details = JSON.stringify({ fd: integer(row.arg0) });
        this.#target.add('syscall', [
          ...[this.#id('syscall'), thread.id, word, atNs, durationNs, integer(row.arg1) ?? null, details],
        ]);
        return true;
      }
      case 'tcp_retransmit': {
        const [from, to] = endsOf(row);
        const state = TCP_STATES[(integer(row.gpu_id) ?? 0) - 1] ?? 'unknown';
        const [id, process] = [this.#id('tcp_retransmit'), thread.process.id];
        this.#target.add('tcp_retransmit', [id, atNs, from, to, state, process, null]);
        return true;
      }
      default:
        return false;
    }
  }

  #call(
    row: Row,
    meaning: Extract<Meaning, { kind: 'call' }>,
    threadId: number,
    processId: number,
    atNs: number,
    durationNs: number,
  ): void {
    const id = this.#id('cuda_call');
    const { category } = meaning;
    const moves = category === 'allocate' || category === 'copy';
    const copy = category === 'copy' ? COPY_KINDS[integer(row.arg1) ?? -1] : undefined;
    const launches = category === 'launch' && typeof row.arg0 === 'bigint' && row.arg0 !== 0n;
    const waits = meaning.function === 'cudaStreamSynchronize';
    const bytes = moves ? row.arg0 : category === 'free' ? row.arg1 : undefined;
    const stack = this.#stacks.of(row.stack_hash);
    this.#target.add('cuda_call', [
      ...[id, threadId, this.#function(meaning), atNs, durationNs],
      ...[this.#parentOf(threadId, id, atNs, durationNs), integer(row.ret_code) ?? null, null, stack],
      ...[launches ? this.#kernel(row.arg0 as bigint) : null, null, count(bytes) ?? null],
      ...[waits ? this.#stream(processId, row.arg0) : null, null],
      ...[category === 'free' ? (count(row.arg0) ?? null) : null],
      ...[copy === undefined ? null : JSON.stringify({ copy })],
    ]);
  }

  /** A runtime call and the driver call inside it are two rows that do not name each other: one lies in the other. */
  #parentOf(threadId: number, id: number, atNs: number, durationNs: number): number | null {
    let open = this.#open.get(threadId);
    if (open === undefined) {
      open = [];
      this.#open.set(threadId, open);
    }
    const endNs = atNs + durationNs;
    while ((open.at(-1)?.endNs ?? Number.POSITIVE_INFINITY) <= atNs) open.pop();
    const around = open.at(-1);
    open.push({ id, endNs });
    // Of two that cross, neither is inside the other.
    return around === undefined || around.endNs < endNs ? null : around.id;
  }

  #instant(row: Row, meaning: Meaning, threadId: number, atNs: number, durationNs: number): void {
    const kind = meaning.kind === 'instant' ? meaning.name : `ingero ${meaning.kind}`;
    const details = {
      ...(durationNs > 0 ? { duration_ns: durationNs } : {}),
      ...said('arg0', row.arg0),
      ...said('arg1', row.arg1),
      ...said('ret_code', row.ret_code),
    };
    const text_ = Object.keys(details).length === 0 ? null : JSON.stringify(details);
    this.#claimsBefore(atNs);
    this.#target.add('instant', [this.#id('instant'), atNs, kind, threadId, text_]);
  }

  #id(table: string): number {
    const id = (this.#ids.get(table) ?? 0) + 1;
    this.#ids.set(table, id);
    return id;
  }

  #function({ function: name, library, category }: Extract<Meaning, { kind: 'call' }>): number {
    let id = this.#functions.get(name);
    if (id === undefined) {
      id = this.#functions.size + 1;
      this.#functions.set(name, id);
      this.#target.add('cuda_function', [id, name, library, category]);
    }
    return id;
  }

  /** Only the handle is known: the address of the host function. */
  #kernel(handle: bigint): number {
    let id = this.#kernels.get(handle);
    if (id === undefined) {
      id = this.#kernels.size + 1;
      this.#kernels.set(handle, id);
      this.#target.add('cuda_kernel', [id, hex(handle)]);
    }
    return id;
  }

  #stream(processId: number, handle: unknown): number | null {
    const value = count(handle);
    if (value === undefined) return null;
    const key = `${processId} ${value}`;
    let id = this.#streams.get(key);
    if (id === undefined) {
      id = this.#streams.size + 1;
      this.#streams.set(key, id);
      this.#target.add('cuda_object', [id, processId, 'stream', value]);
    }
    return id;
  }
}

const SECTOR_BYTES = 512;

/** Whole numbers are kept, beyond 2^53 as text; zero is what Ingero writes for nothing. */
function said(name: string, cell: unknown): Record<string, number | string> {
  if (typeof cell !== 'bigint' || cell === 0n) return {};
  return { [name]: integer(cell) ?? String(cell) };
}

/** arg0: source and destination address, each as it lay in memory; arg1: their ports. */
function endsOf(row: Row): readonly [string, string] {
  const [addresses, ports] = [bits(row.arg0), bits(row.arg1)];
  const end = (address: bigint, port: bigint): string => {
    const octet = (n: bigint): bigint => (address >> (8n * n)) & 0xffn;
    return `${octet(0n)}.${octet(1n)}.${octet(2n)}.${octet(3n)}:${port}`;
  };
  const low32 = 0xffff_ffffn;
  return [end(addresses >> 32n, (ports >> 16n) & 0xffffn), end(addresses & low32, ports & 0xffffn)];
}

const bits = (cell: unknown): bigint => (typeof cell === 'bigint' ? BigInt.asUintN(64, cell) : 0n);
