// The way into a trace for everyone outside the query process. Each open trace has a process for pictures and numbers,
// and, once somebody asks for them, one for causes, so that no picture waits behind an explanation, and one for SQL of
// their own. Either of these may be killed at any time without losing the first.

import { resolve } from 'node:path';
import type { Answer, Argument, Method, Trace } from '../api.ts';
import { provenance } from '../provenance.ts';
import { sniff } from '../sniff.ts';
import { QueryChild } from './child.ts';
import type { Glance, SummaryOfRows } from './summary.ts';

export type { Glance } from './summary.ts';

const MB = 2 ** 20;

/** For questions of our own, which are bounded: a guard against a hostile file, not a budget. */
const LIBRARY = { deadlineMs: 60_000, residentBytes: 2048 * MB };
/** For SQL that a person or an agent wrote (mcp.md). */
const SQL = { deadlineMs: 5_000, residentBytes: 512 * MB };

export interface TraceOptions {
  /** dist/query.js, or extension/trace/query/main.ts when running from source. */
  readonly queryProgram: string;
  /** For each call of ours; default 60 s. SQL always has 5 s, or this where it is shorter. */
  readonly deadlineMs?: number;
  /** Pictures will be asked for: the large tables are read at once, while whoever draws them is still starting. */
  readonly forPictures?: boolean;
}

/** Opens a trace. Rejects with a TraceError for a file that is not a sound one. */
export async function openTrace(path: string, options: TraceOptions): Promise<Trace> {
  const file = resolve(path);
  // The header is looked at here too: a wrong file should not cost a process.
  sniff(file);
  const { queryProgram, deadlineMs = LIBRARY.deadlineMs } = options;
  const library = new QueryChild({ ...LIBRARY, deadlineMs, queryProgram, path: file });
  let explainer: QueryChild | undefined;
  const forCauses = () => {
    explainer ??= new QueryChild({ ...LIBRARY, deadlineMs, queryProgram, path: file });
    return explainer;
  };
  let stranger: QueryChild | undefined;
  const forSql = () => {
    stranger ??= new QueryChild({
      ...SQL,
      deadlineMs: Math.min(SQL.deadlineMs, deadlineMs),
      queryProgram,
      path: file,
    });
    return stranger;
  };
  const close = async () => {
    await Promise.all([library.close(), explainer?.close(), stranger?.close()]);
  };
  try {
    await library.call({ method: 'ready', argument: undefined });
    // A failure is told to whoever asks next.
    if (options.forPictures === true)
      library.call({ method: 'load', argument: undefined }).catch(() => undefined);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    path: file,
    close,
    call: async <M extends Method>(method: M, argument: Argument<M>, signal?: AbortSignal) => {
      if (method === 'summary') {
        const [rows, origin] = await Promise.all([
          library.call({ method, argument } as never, signal),
          provenance(file),
        ]);
        return { ...(rows as SummaryOfRows), provenance: origin } as Answer<M>;
      }
      const child =
        method === 'sql' ? forSql() : method === 'causes' || method === 'explain' ? forCauses() : library;
      return (await child.call({ method, argument } as never, signal)) as Answer<M>;
    },
  };
}

/** Looks into many traces through one process: what a list of them shows, without opening each for good. */
export interface Glancer {
  /** Rejects with a TraceError for a file that is not a sound trace. */
  glance(path: string): Promise<Glance>;
  close(): Promise<void>;
}

export function openGlancer(queryProgram: string): Glancer {
  const child = new QueryChild({ ...LIBRARY, deadlineMs: 10_000, queryProgram, path: undefined });
  return {
    glance: async path => {
      sniff(path);
      return (await child.call({ method: 'glance', argument: resolve(path) })) as Glance;
    },
    close: () => child.close(),
  };
}
