// Who the rows are about. Ingero knows a process by its pid and, in files of several hosts, the host's name; processes
// and threads get their ids as the rows name them, and are written when the last row was read.

import type { DatabaseSync } from 'node:sqlite';
import type { Target } from '../target.ts';
import { count, integer, text } from './cells.ts';
import { type Format, selected } from './format.ts';

interface Process {
  readonly id: number;
  readonly pid: number;
  readonly node: string;
  /** comm of its main thread, as a row told. */
  comm: string | undefined;
  cgroup: number | undefined;
  rank: number | undefined;
  isTarget: boolean;
}

export interface Thread {
  readonly id: number;
  readonly process: Process;
  readonly tid: number;
  comm: string | undefined;
}

/** What a row says of who it is about. */
export interface Who {
  readonly node: string;
  readonly pid: number;
  readonly tid: number;
  readonly comm: string | undefined;
}

export class People {
  readonly #processes = new Map<string, Process>();
  readonly #threads = new Map<string, Thread>();
  readonly #nodes = new Set<string>();

  process({ node, pid }: Pick<Who, 'node' | 'pid'>): Process {
    const key = `${pid} ${node}`;
    let process = this.#processes.get(key);
    if (process === undefined) {
      this.#nodes.add(node);
      const id = this.#processes.size + 1;
      process = { id, pid, node, comm: undefined, cgroup: undefined, rank: undefined, isTarget: false };
      this.#processes.set(key, process);
    }
    return process;
  }

  /** The thread of a row. */
  thread(who: Who): Thread {
    const key = `${who.tid} ${who.pid} ${who.node}`;
    let thread = this.#threads.get(key);
    if (thread === undefined) {
      thread = { id: this.#threads.size + 1, process: this.process(who), tid: who.tid, comm: undefined };
      this.#threads.set(key, thread);
    }
    thread.comm ??= who.comm;
    if (who.tid === who.pid) thread.process.comm ??= who.comm;
    return thread;
  }

  /** The main thread of a process that a row has named; undefined where no row did. */
  mainThread(pid: number): Thread | undefined {
    for (const node of this.#nodes) {
      const thread = this.#threads.get(`${pid} ${pid} ${node}`);
      if (thread !== undefined) return thread;
    }
    return undefined;
  }

  write(target: Target, db: DatabaseSync, format: Format): void {
    const names = namesOf(db, format);
    const cgroups = cgroupsOf(db, format);
    const asked = askedFor(db, format);
    const severalHosts = this.#nodes.size > 1;
    for (const process of this.#processes.values()) {
      const { id, pid, node, cgroup, rank, isTarget } = process;
      const name = process.comm ?? names.get(pid) ?? 'unknown';
      const group = cgroup === undefined ? undefined : cgroups.get(cgroup);
      const details = {
        ...(node === '' ? {} : { node }),
        ...(rank === undefined ? {} : { rank }),
        ...(group?.pod === undefined ? {} : { pod: group.pod }),
        ...(group?.namespace === undefined ? {} : { namespace: group.namespace }),
      };
      const shown = severalHosts && node !== '' ? `${name} on ${node}` : name;
      const target_ = isTarget || asked.has(pid) ? 1 : 0;
      target.add('process', [
        ...[id, pid, null, null, shown, null, null, null, group?.path ?? null, group?.container ?? null],
        ...[target_, null, null, Object.keys(details).length === 0 ? null : JSON.stringify(details)],
      ]);
    }
    for (const { id, process, tid, comm } of this.#threads.values()) {
      target.add('thread', [
        id,
        process.id,
        tid,
        comm ?? process.comm ?? names.get(process.pid) ?? 'unknown',
      ]);
    }
  }

  get nodes(): readonly string[] {
    return [...this.#nodes].filter(node => node !== '').sort();
  }
}

function namesOf(db: DatabaseSync, format: Format): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const row of rowsOf(db, format, 'process_names', ['pid', 'name'])) {
    const pid = integer(row['pid']);
    const name = text(row['name']);
    if (pid !== undefined && name !== undefined) names.set(pid, name);
  }
  return names;
}

interface Cgroup {
  readonly path: string | undefined;
  readonly container: string | undefined;
  readonly pod: string | undefined;
  readonly namespace: string | undefined;
}

function cgroupsOf(db: DatabaseSync, format: Format): ReadonlyMap<number, Cgroup> {
  const wanted = ['cgroup_id', 'cgroup_path', 'container_id', 'pod_name', 'namespace'];
  const cgroups = new Map<number, Cgroup>();
  for (const row of rowsOf(db, format, 'cgroup_metadata', wanted)) {
    const id = integer(row['cgroup_id']);
    if (id === undefined) continue;
    cgroups.set(id, {
      path: text(row['cgroup_path']),
      container: text(row['container_id']),
      pod: text(row['pod_name']),
      namespace: text(row['namespace']),
    });
  }
  return cgroups;
}

/** Processes that the recording was limited to: "1887" or "1887,1890". */
function askedFor(db: DatabaseSync, format: Format): ReadonlySet<number> {
  const asked = new Set<number>();
  for (const row of rowsOf(db, format, 'sessions', ['pid_filter'])) {
    for (const part of text(row['pid_filter'])?.split(',') ?? []) {
      const pid = /^\s*\d{1,10}\s*$/.test(part) ? count(Number(part)) : undefined;
      if (pid !== undefined) asked.add(pid);
    }
  }
  return asked;
}

/** Rows of a table that may not be there, with the columns that may not be there as NULL; integers as BigInt. */
export function* rowsOf(
  db: DatabaseSync,
  format: Format,
  table: string,
  wanted: readonly string[],
): Generator<Record<string, unknown>> {
  if (!format.tables.has(table)) return;
  const statement = db.prepare(`SELECT ${selected(format, table, wanted)} FROM ${table}`);
  statement.setReadBigInts(true);
  yield* statement.iterate() as Iterable<Record<string, unknown>>;
}
