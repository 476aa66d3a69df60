// list_traces: which captures are there.

import * as z from 'zod';
import { TraceError, toTraceError } from '../../trace/error.ts';
import { provenance } from '../../trace/provenance.ts';
import type { Glance } from '../../trace/query/client.ts';
import { inputOf } from '../input.ts';
import { type Importable, type KnownTrace, NO_FOLDER, type Shelf } from '../shelf.ts';
import { records, tool } from '../tool.ts';
import { count, counted, duration } from '../words.ts';

export const listTraces = tool({
  name: 'list_traces',
  title: 'List GPU traces',
  description:
    'Which captures are there, newest first: id, host, when (UTC), how long, events, whether the file is still the one ' +
    'that the collector wrote (SHA-256). Files that cannot be opened are listed with the reason, and traces of other ' +
    'tools (Ingero) that can be imported.',
  input: inputOf({ limit: z.int().min(1).max(200).default(20).describe('How many traces') }),
  output: z.object({ traces: records, total: z.int(), importable: records }),
  run: async ({ shelf }, { limit }) => {
    const all = shelf.list();
    const [traces, importable] = await Promise.all([
      Promise.all(all.slice(0, limit).map(async known => describe(known, shelf.glance(known)))),
      shelf.importable(),
    ]);
    const lines = traces.map(trace =>
      'error' in trace
        ? `${trace.id}: cannot be opened: ${trace.error.message}`
        : `${trace.id}: ${trace.host}, ${trace.startUtc}, ${duration(trace.durationNs)}, ${count(trace.events)} events, hash ${trace.provenance.state}${trace.imported === undefined ? '' : `, imported from ${trace.imported.file} of ${trace.imported.tool}`}`,
    );
    const head =
      all.length === 0 ? sayNone(shelf) : [`${traces.length} of ${all.length} traces, newest first:`];
    const unread = shelf.folders
      .filter(({ fault }) => all.length > 0 && fault !== undefined && fault !== NO_FOLDER)
      .map(({ path, fault }) => `Not looked into: ${path} (${fault}).`);
    return {
      structured: { traces, total: all.length, importable },
      lines: [...head, ...lines, ...unread, ...importable.map(sayImportable)],
      rows: traces.length,
    };
  },
});

function sayImportable({ path, tool, version, events, claims }: Importable): string {
  const of = version === undefined ? tool : `${tool} ${version}`;
  return (
    `${path}: a trace of ${of}, not imported: ${counted(events, 'event')}, ${counted(claims, 'cause')} of its own. ` +
    'Import it in the editor ("Wakechain: Import Trace of Another Tool"), then it is listed here.'
  );
}

/** No trace: where was looked, since a mistyped folder looks like an empty one. */
function sayNone(shelf: Shelf): readonly string[] {
  return [
    'There is no trace yet. Run "Wakechain: Capture GPU Trace on Host" in the editor.',
    shelf.folders.length === 0
      ? 'No folder was looked in: the server was started without --traces FOLDER.'
      : `Looked in: ${shelf.folders.map(folder => `${folder.path}${folder.fault === undefined ? '' : ` (${folder.fault})`}`).join(', ')}.`,
  ];
}

async function describe(known: KnownTrace, glancing: Promise<Glance>) {
  const { id, path, bytes } = known;
  try {
    const [glance, origin] = await Promise.all([glancing, provenance(path)]);
    return {
      id,
      path,
      bytes,
      host: glance.host,
      startUtc: utc(glance.startUnixNs),
      durationNs: glance.durationNs,
      profile: glance.profile,
      endReason: glance.endReason,
      imported: glance.imported,
      events: glance.events,
      cudaCalls: glance.rows['cuda_call'] ?? 0,
      lossStretches: glance.rows['loss'] ?? 0,
      provenance: origin,
    };
  } catch (error) {
    const { reason, message, hint } = error instanceof TraceError ? error : toTraceError(error);
    return { id, path, bytes, error: { reason, message, hint } };
  }
}

function utc(unixNs: string): string {
  const ms = /^\d{1,19}$/.test(unixNs) ? Number(BigInt(unixNs) / 1_000_000n) : Number.NaN;
  return Number.isNaN(ms) ? 'unknown' : new Date(ms).toISOString();
}
