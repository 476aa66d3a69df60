// Runs the server on standard input and output until the client goes away.

import { join } from 'node:path';
import type { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { ServeOptions } from './arguments.ts';
import { appendAudit, argumentsOf } from './audit.ts';
import { watchMessages } from './discovery.ts';
import { watchTraces } from './resources.ts';
import { createServer } from './server.ts';
import { Shelf } from './shelf.ts';

/** The query process stands beside the bundle, or in its folder when run from source. */
function queryProgramBeside(program: string): string {
  const folder = join(program, '..');
  return program.endsWith('.ts') ? join(folder, '../trace/query/main.ts') : join(folder, 'query.js');
}

export function serve(options: ServeOptions, program: string): void {
  const shelf = new Shelf({ ...options, queryProgram: queryProgramBeside(program) });
  // A mistyped folder would look like an empty one.
  const { folders } = shelf;
  for (const { path, fault } of folders)
    if (fault !== undefined) process.stderr.write(`--traces ${path}: ${fault}.\n`);
  if (folders.length === 0 && options.registry === undefined)
    process.stderr.write('There is nothing to answer about: give --traces FOLDER.\n');
  let client = 'unknown';
  const audit: Parameters<typeof createServer>[0]['audit'] = entry => {
    if (options.audit !== undefined)
      appendAudit(options.audit, { time: new Date().toISOString(), client, ...entry }, words =>
        process.stderr.write(`${words}\n`),
      );
  };
  const transport = watchMessages(new StdioServerTransport(), {
    client: name => {
      client = name;
    },
    discovery: (method, params) => {
      const empty = { rows: 0, bytes: 0, durationMs: 0, outcome: 'ok' };
      audit({ tool: method, ...argumentsOf(params), ...empty });
    },
    closed: () => {
      stopWatching();
      void shelf.close();
    },
  });
  let current: McpServer | undefined;
  const stopWatching = watchTraces(options.folders, () => {
    if (current?.isConnected() === true) current.sendResourceListChanged();
  });
  const make = () => {
    current = createServer({ shelf, audit });
    return current;
  };
  serveStdio(make, {
    transport,
    onerror: error => process.stderr.write(`${error.message}\n`),
  });
}
