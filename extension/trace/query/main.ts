// The query process: the only one that opens a trace. Forked by client.ts, one for each open trace (and one more for
// SQL that strangers write). It answers one request at a time and ends when its parent does.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { TraceError, toTraceError } from '../error.ts';
import { openDatabase } from '../open.ts';
import { readSchema, type Schema } from '../schema.ts';
import { answer } from './answer.ts';
import type { Limits, Reply, Request } from './messages.ts';
import { Store } from './store.ts';
import { glance } from './summary.ts';
import { startWatchdog, watch } from './watchdog.ts';

/** collector/schema.sql: beside the bundle, or where it stands in the checkout when run from source. */
function schemaFile(program: string): string {
  const folder = dirname(program);
  return program.endsWith('.ts') ? join(folder, '../../../collector/schema.sql') : join(folder, 'schema.sql');
}

function serve(program: string, limits: Limits): void {
  const watchdog = startWatchdog(program, limits);
  let schema: Schema | undefined;
  let store: Store | undefined;
  const open = (path: string): Store => {
    schema ??= readSchema(readFileSync(schemaFile(program), 'utf8'));
    return new Store(openDatabase(path, schema));
  };
  const handle = async (request: Request): Promise<unknown> => {
    if (request.method === 'open') {
      store?.open.close();
      store = open(request.argument);
      return undefined;
    }
    if (request.method === 'ready') return undefined;
    if (request.method === 'glance') {
      const other = open(request.argument);
      try {
        return glance(other);
      } finally {
        other.open.close();
      }
    }
    if (store === undefined) throw new TraceError('internal', 'No trace is open.');
    if (request.method === 'load') return void store.columns;
    return answer(store, request.method, request.argument);
  };
  let before = Promise.resolve();
  process.on('message', (request: Request) => {
    before = before.then(async () => {
      watchdog.begin();
      const reply = await handle(request).then(
        (ok): Reply => ({ id: request.id, ok }),
        (error: unknown): Reply => ({ id: request.id, error: toTraceError(error).shape() }),
      );
      watchdog.end();
      process.send?.(reply);
    });
  });
  process.on('disconnect', () => process.exit(0));
}

if (isMainThread) {
  const [, program = '', limits = '{}'] = process.argv;
  serve(program, JSON.parse(limits) as Limits);
} else {
  watch();
}
