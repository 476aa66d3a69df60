// The trace that `npm run view` shows. Another tool's is imported first, into a folder of its own that goes with the
// viewer; the editor's import keeps it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Trace } from '../../extension/trace/api.ts';
import { TraceError } from '../../extension/trace/error.ts';
import { freeName, importTrace, openTraceOrOffer } from '../../extension/trace/import/client.ts';
import { openTrace } from '../../extension/trace/query/client.ts';

interface Opened {
  readonly trace: Promise<Trace>;
  /** Closes the trace, stops an import that is under way, and removes what was imported. */
  gone(): Promise<void>;
}

export function openOrImport(
  file: string,
  queryProgram: string,
  log: (line: string) => void,
  progress: (done: number, all: number) => void,
): Opened {
  const stop = new AbortController();
  let folder: string | undefined;
  const opening = async (): Promise<Trace> => {
    try {
      return await openTraceOrOffer(file, { queryProgram, signal: stop.signal, forPictures: true });
    } catch (error) {
      if (!(error instanceof TraceError) || error.reason !== 'importable') throw error;
      log(error.message);
    }
    folder = mkdtempSync(join(tmpdir(), 'wakechain-view-'));
    const target = freeName(folder, file);
    log('Importing it for as long as the viewer runs; the file itself stays as it is.');
    await importTrace(file, target, {
      queryProgram,
      signal: stop.signal,
      progress: ({ done, all }) => progress(done, all),
    });
    return openTrace(target, { queryProgram, forPictures: true });
  };
  const trace = opening();
  return {
    trace,
    gone: async () => {
      stop.abort();
      await trace.then(
        open => open.close(),
        () => undefined,
      );
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
