// The traces that this server knows: files in its folders and in the editor's list, looked up anew for every call, so
// that a new capture is there without a restart. Opened traces stay open for a while; one that changed is opened again.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Trace } from '../trace/api.ts';
import { TraceError } from '../trace/error.ts';
import { type Recognised, recogniseFile } from '../trace/import/client.ts';
import { type Glance, type Glancer, openGlancer, openTrace } from '../trace/query/client.ts';
import { nearest } from '../trace/query/nearest.ts';

const SUFFIX = '.wakechain.db';
/** Databases of other names in the folders that are looked into, the newest: each costs a process. */
const MOST_FOREIGN = 12;
const MOST_OPEN = 3;
const IDLE_MS = 5 * 60_000;

export interface KnownTrace {
  readonly id: string;
  readonly path: string;
  readonly bytes: number;
  readonly changedMs: number;
  /** Tells two states of one path apart. */
  readonly state: string;
}

interface Opened {
  readonly known: KnownTrace;
  readonly trace: Promise<Trace>;
  idle: NodeJS.Timeout;
}

interface ShelfOptions {
  readonly folders: readonly string[];
  readonly registry: string | undefined;
  readonly queryProgram: string;
}

export class Shelf {
  readonly #options: ShelfOptions;
  readonly #opened = new Map<string, Opened>();
  readonly #glances = new Map<string, Promise<Glance>>();
  readonly #recognised = new Map<string, Promise<Recognised | undefined>>();
  #glancer: Glancer | undefined;

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  /** Where traces are looked for, now. */
  get folders(): readonly Folder[] {
    return this.#options.folders.map(folder => {
      const { path, fault } = tracesIn(folder);
      return { path, fault };
    });
  }

  /** Every trace that is there now, newest first. */
  list(): readonly KnownTrace[] {
    const paths = new Set([
      ...this.#options.folders.flatMap(folder => tracesIn(folder).traces),
      ...registered(this.#options.registry),
    ]);
    const found = [...paths].flatMap(stateOf);
    const names = new Map<string, number>();
    for (const { path } of found) names.set(nameOf(path), (names.get(nameOf(path)) ?? 0) + 1);
    return found
      .map(trace => ({ ...trace, id: idOf(trace.path, (names.get(nameOf(trace.path)) ?? 0) > 1) }))
      .sort((a, b) => b.changedMs - a.changedMs || a.id.localeCompare(b.id));
  }

  /** The trace with this id, or the newest; throws a TraceError that says which there are. */
  find(id: string | undefined): KnownTrace {
    const all = this.list();
    const [newest] = all;
    if (newest === undefined) {
      throw new TraceError(
        'not_found',
        'There is no trace yet.',
        'Run "Wakechain: Capture GPU Trace on Host" in the editor, or `wakechain-collector capture` on the host.',
      );
    }
    if (id === undefined) return newest;
    const known = all.find(trace => trace.id === id || trace.path === id || basename(trace.path) === id);
    if (known !== undefined) return known;
    const near = nearest(
      id,
      all.map(trace => trace.id),
    );
    throw new TraceError(
      'not_found',
      `unknown trace "${id}"${near === undefined ? '.' : `; did you mean "${near}"?`}`,
      `Traces: ${all
        .slice(0, 5)
        .map(trace => trace.id)
        .join(', ')}${all.length > 5 ? `, and ${all.length - 5} more (list_traces)` : ''}.`,
    );
  }

  /** What a list shows of a trace; rejects with a TraceError for a file that is not sound. */
  glance(known: KnownTrace): Promise<Glance> {
    const key = `${known.path}\n${known.state}`;
    let glance = this.#glances.get(key);
    if (glance === undefined) {
      this.#glancer ??= openGlancer(this.#options.queryProgram);
      glance = this.#glancer.glance(known.path);
      this.#glances.set(key, glance);
      glance.catch(() => this.#glances.delete(key));
    }
    return glance;
  }

  /** Traces of other tools in the folders, that can be imported. */
  async importable(): Promise<readonly Importable[]> {
    const paths = this.#options.folders.flatMap(folder => tracesIn(folder).others);
    const newest = paths
      .flatMap(stateOf)
      .sort((a, b) => b.changedMs - a.changedMs)
      .slice(0, MOST_FOREIGN);
    const all = await Promise.all(
      newest.map(async ({ path, state }) => {
        const key = `${path}\n${state}`;
        let found = this.#recognised.get(key);
        if (found === undefined) {
          const { queryProgram } = this.#options;
          // What is nobody's trace is none of ours to complain about.
          found = recogniseFile(path, { queryProgram }).catch(() => undefined);
          this.#recognised.set(key, found);
        }
        const recognised = await found;
        return recognised === undefined ? [] : [{ path, ...recognised }];
      }),
    );
    return all.flat();
  }

  async open(known: KnownTrace): Promise<Trace> {
    const before = this.#opened.get(known.path);
    if (before !== undefined && before.known.state === known.state) {
      before.idle.refresh();
      this.#opened.delete(known.path);
      this.#opened.set(known.path, before);
      return before.trace;
    }
    if (before !== undefined) this.#close(known.path);
    const trace = openTrace(known.path, { queryProgram: this.#options.queryProgram });
    const idle = setTimeout(() => this.#close(known.path), IDLE_MS);
    idle.unref();
    this.#opened.set(known.path, { known, trace, idle });
    for (const path of this.#opened.keys()) {
      if (this.#opened.size <= MOST_OPEN) break;
      this.#close(path);
    }
    try {
      return await trace;
    } catch (error) {
      if (this.#opened.get(known.path)?.trace === trace) this.#close(known.path);
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const path of [...this.#opened.keys()]) this.#close(path);
    await this.#glancer?.close();
  }

  #close(path: string): void {
    const opened = this.#opened.get(path);
    if (opened === undefined) return;
    this.#opened.delete(path);
    clearTimeout(opened.idle);
    opened.trace.then(
      trace => trace.close(),
      () => {},
    );
  }
}

/** Empty for a file that is gone: the editor lists what may have been deleted since. */
function stateOf(path: string): Omit<KnownTrace, 'id'>[] {
  try {
    const { size, mtimeMs, ino } = statSync(path);
    return [{ path, bytes: size, changedMs: mtimeMs, state: `${size} ${mtimeMs} ${ino}` }];
  } catch {
    return [];
  }
}

export interface Importable extends Recognised {
  readonly path: string;
}

const nameOf = (path: string): string => basename(path).replace(/\.wakechain\.db$/, '');

function idOf(path: string, shared: boolean): string {
  if (!shared) return nameOf(path);
  return `${nameOf(path)}-${createHash('sha256').update(path).digest('hex').slice(0, 6)}`;
}

/** A folder that is looked in, and why nothing can be found there. */
export interface Folder {
  readonly path: string;
  readonly fault: string | undefined;
}

/** Said of a folder that is not there (yet: the folder of captures is made by the first capture). */
export const NO_FOLDER = 'no such folder';

interface Found extends Folder {
  readonly traces: readonly string[];
  /** Databases that are not named as traces of ours are. */
  readonly others: readonly string[];
}

function tracesIn(folder: string): Found {
  const path = resolve(folder);
  try {
    const databases = readdirSync(path).filter(name => name.endsWith('.db'));
    const isTrace = (name: string): boolean => name.endsWith(SUFFIX);
    const inside = (names: readonly string[]): readonly string[] => names.map(name => join(path, name));
    const [traces, others] = [databases.filter(isTrace), databases.filter(name => !isTrace(name))];
    return { path, fault: undefined, traces: inside(traces), others: inside(others) };
  } catch (error) {
    return { path, fault: faultOf(error), traces: [], others: [] };
  }
}

function faultOf(error: unknown): string {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: NO_FOLDER,
    ENOTDIR: 'not a folder',
    EACCES: 'may not be read',
  };
  return known[code] ?? code;
}

/** The editor's list; one that is absent or half written is empty until it is whole. */
function registered(file: string | undefined): string[] {
  if (file === undefined) return [];
  try {
    const { traces } = JSON.parse(readFileSync(file, 'utf8')) as { traces?: unknown };
    return Array.isArray(traces)
      ? traces.filter(path => typeof path === 'string').map(path => resolve(path))
      : [];
  } catch {
    return [];
  }
}
