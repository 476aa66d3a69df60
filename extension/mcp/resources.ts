// What a client may read or attach without a question: the schema that run_sql works on, and a page about each trace.
// When a capture appears or goes, the client is told that the list has changed.

import { type FSWatcher, watch } from 'node:fs';
import { type McpServer, type ReadResourceResult, ResourceTemplate } from '@modelcontextprotocol/server';
import type { TraceSummary } from '../trace/api.ts';
import type { Shelf } from './shelf.ts';
import { count, duration, plain } from './words.ts';

/** A copy is written in many steps: the client is told once they have ended. */
const SETTLED_MS = 300;

export function registerResources(server: McpServer, shelf: Shelf): void {
  server.registerResource(
    'schema',
    'wakechain://schema',
    {
      title: 'Schema of a trace',
      description: 'Tables and views for run_sql, with comments',
      mimeType: 'application/sql',
    },
    async uri => {
      const trace = await shelf.open(shelf.find(undefined));
      return page(uri, 'application/sql', await trace.call('schema', undefined));
    },
  );
  const list = () => ({
    resources: shelf.list().map(({ id }) => ({
      name: `${id} summary`,
      uri: `wakechain://${encodeURIComponent(id)}/summary`,
      mimeType: 'text/markdown',
    })),
  });
  server.registerResource(
    'summary',
    new ResourceTemplate('wakechain://{trace}/summary', { list }),
    {
      title: 'Summary of a trace',
      description: 'What was captured, and how far it can be believed',
      mimeType: 'text/markdown',
    },
    async (uri, { trace }) => {
      const known = shelf.find(decodeURIComponent(String(trace)));
      const opened = await shelf.open(known);
      return page(uri, 'text/markdown', sayTrace(known.id, await opened.call('summary', undefined)));
    },
  );
}

function page(uri: URL, mimeType: string, text: string): ReadResourceResult {
  return { contents: [{ uri: uri.href, mimeType, text }] };
}

function sayTrace(id: string, summary: TraceSummary): string {
  const rows = Object.entries(summary.rows).filter(([, n]) => n > 0);
  const targets = summary.processes.filter(process => process.isTarget);
  const lines = [
    `# ${id}`,
    '',
    `${summary.host}, Linux ${summary.kernel}, ${summary.machine}, ${summary.cpus} CPUs. Captured for ${duration(summary.durationNs)}, profile ${summary.profile}, ended by: ${summary.endReason}.`,
    `File: ${count(summary.bytes)} bytes, SHA-256 ${summary.provenance.sha256 ?? 'not known'} (${summary.provenance.state}).`,
    '',
    `Targets: ${targets.map(process => `${process.name} (${process.pid})`).join(', ') || 'none'}.`,
    `Rows: ${rows.map(([table, n]) => `${table} ${count(n)}`).join(', ')}.`,
    '',
    ...(summary.belief.remarks.length === 0
      ? ['Nothing speaks against it.']
      : summary.belief.remarks.map(remark => `- ${remark}`)),
  ];
  return `${lines.map(plain).join('\n')}\n`;
}

/** Calls `changed` after files of these folders have changed; returns what stops it. */
export function watchTraces(folders: readonly string[], changed: () => void): () => void {
  let settled: NodeJS.Timeout | undefined;
  const notice = () => {
    clearTimeout(settled);
    settled = setTimeout(changed, SETTLED_MS);
    settled.unref();
  };
  const watchers: FSWatcher[] = folders.flatMap(folder => {
    try {
      const watcher = watch(folder, { persistent: false }, notice);
      watcher.on('error', () => watcher.close());
      return [watcher];
    } catch {
      // A folder that is not there yet: its traces are found by every call all the same.
      return [];
    }
  });
  return () => {
    clearTimeout(settled);
    for (const watcher of watchers) watcher.close();
  };
}
