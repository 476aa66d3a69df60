// Everything that answers share, read once and kept: who is in the trace, what small ids mean, the large columns.

import type { DatabaseSync } from 'node:sqlite';
import type { ProcessInfo, Scope, ThreadRef } from '../api.ts';
import { type Columns, columnsOf } from '../columns/index.ts';
import { clean } from '../columns/text.ts';
import { damaged, TraceError } from '../error.ts';
import type { OpenTrace } from '../open.ts';
import { type Ns, ns, type Span } from '../time.ts';
import { visible } from './visible.ts';

/** Answers of a kind that are kept: a person goes back and forth between a few windows. */
const RECENT = 8;

export interface Process extends ProcessInfo {
  readonly namespacePid: number | undefined;
}

export interface Thread {
  readonly ref: ThreadRef;
  readonly processId: number;
  readonly isTarget: boolean;
}

export class Store {
  readonly open: OpenTrace;
  readonly db: DatabaseSync;
  readonly #kept = new Map<string, unknown>();

  constructor(open: OpenTrace) {
    this.open = open;
    this.db = open.db;
  }

  /** The result of `make`, made once. */
  keep<T>(key: string, make: () => T): T {
    if (!this.#kept.has(key)) this.#kept.set(key, make());
    return this.#kept.get(key) as T;
  }

  /** The same for answers to questions: the last few of each kind are kept. */
  async recent<T>(kind: string, question: unknown, make: () => T | Promise<T>): Promise<T> {
    const answers = this.keep(`recent ${kind}`, () => new Map<string, T>());
    const key = JSON.stringify(question);
    const known = answers.get(key);
    if (known !== undefined) return known;
    const made = await make();
    answers.set(key, made);
    for (const oldest of answers.keys()) {
      if (answers.size <= RECENT) break;
      answers.delete(oldest);
    }
    return made;
  }

  get meta(): ReadonlyMap<string, unknown> {
    return this.keep('meta', () => {
      const rows = this.db.prepare('SELECT key, value FROM meta').all();
      return new Map(
        rows.map(row => [String(row['key']), parseMeta(String(row['key']), String(row['value']))]),
      );
    });
  }

  metaText(key: string): string {
    const value = this.meta.get(key);
    return typeof value === 'string' || typeof value === 'number' ? visible(String(value)) : '';
  }

  get durationNs(): Ns {
    const value = this.meta.get('duration_ns');
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw damaged('it does not say how long the capture took (meta.duration_ns)');
    }
    return ns(value);
  }

  get names(): ReadonlyMap<number, string> {
    return this.keep('names', () => {
      const rows = this.db.prepare('SELECT id, name FROM name').all();
      return new Map(rows.map(row => [Number(row['id']), clean(String(row['name']))]));
    });
  }

  get processes(): ReadonlyMap<number, Process> {
    return this.keep('processes', () => {
      const rows = this.db
        .prepare(
          'SELECT id, pid, namespace_pid, name, command_line, container_id, is_target FROM process ORDER BY id',
        )
        .all();
      return new Map(
        rows.map(row => [
          Number(row['id']),
          {
            id: Number(row['id']),
            pid: Number(row['pid']),
            namespacePid: row['namespace_pid'] === null ? undefined : Number(row['namespace_pid']),
            name: clean(String(row['name'])),
            commandLine: row['command_line'] === null ? undefined : visible(String(row['command_line'])),
            containerId: row['container_id'] === null ? undefined : clean(String(row['container_id'])),
            isTarget: row['is_target'] === 1,
          },
        ]),
      );
    });
  }

  get threads(): ReadonlyMap<number, Thread> {
    return this.keep('threads', () => {
      const rows = this.db.prepare('SELECT id, process_id, tid, name FROM thread ORDER BY id').all();
      return new Map(
        rows.map(row => {
          const process = this.processes.get(Number(row['process_id']));
          const ref: ThreadRef = {
            id: Number(row['id']),
            tid: Number(row['tid']),
            pid: process?.pid ?? -1,
            name: clean(String(row['name'])),
            process: process?.name ?? '?',
          };
          const thread = { ref, processId: Number(row['process_id']), isTarget: process?.isTarget ?? false };
          return [ref.id, thread];
        }),
      );
    });
  }

  thread(id: number): ThreadRef | undefined {
    return this.threads.get(id)?.ref;
  }

  /** The large tables, sorted; loaded when something first needs them. */
  get columns(): Columns {
    return columnsOf(this.db);
  }

  /** The asked window inside the capture; the whole capture where none is asked. */
  window(scope: Scope): Span {
    const whole = this.durationNs;
    if (scope.window === undefined) return { startNs: ns(0), endNs: whole };
    const { startNs, endNs } = scope.window;
    if (!(startNs < endNs)) {
      throw new TraceError(
        'bad_query',
        'The window ends before it begins.',
        'Give a start that lies before the end.',
      );
    }
    if (startNs >= whole || endNs <= 0) {
      throw new TraceError(
        'not_in_trace',
        `The window lies outside the capture, which took ${(whole / 1e9).toFixed(3)} s.`,
        `Ask for a part of 0 to ${(whole / 1e9).toFixed(3)} seconds.`,
      );
    }
    return { startNs: ns(Math.max(0, startNs)), endNs: ns(Math.min(whole, endNs)) };
  }

  /** The threads that a scope is about, by their place in the columns. A pid may be the host's or the container's. */
  indexesOf(scope: Scope): readonly number[] {
    const wanted = this.threadsOf(scope);
    return [...this.columns.threads.refs.keys()].filter(
      index => wanted?.has(this.columns.threads.refs[index]?.id ?? -1) ?? true,
    );
  }

  /** Ids of the threads that a scope is about; undefined: all. A pid may be the host's or the container's. */
  threadsOf(scope: Scope): ReadonlySet<number> | undefined {
    const { pid } = scope;
    if (pid === undefined) return undefined;
    const owners = new Set<number>();
    for (const process of this.processes.values()) {
      if (process.pid === pid || process.namespacePid === pid) owners.add(process.id);
    }
    if (owners.size === 0) {
      const known = [...this.processes.values()].sort((a, b) => Number(b.isTarget) - Number(a.isTarget));
      const some = known.slice(0, 5).map(process => `${process.pid} (${process.name})`);
      throw new TraceError(
        'not_in_trace',
        `No process ${pid} is in this trace.`,
        `Processes that are: ${some.join(', ')}${known.length > 5 ? `, and ${known.length - 5} more` : ''}.`,
      );
    }
    const ids = new Set<number>();
    for (const [id, thread] of this.threads) if (owners.has(thread.processId)) ids.add(id);
    return ids;
  }
}

function parseMeta(key: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    throw damaged(`meta.${clean(key)} is not JSON`, error);
  }
}
