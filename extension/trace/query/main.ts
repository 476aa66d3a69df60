// The query process: the only one that opens a trace. Forked by client.ts, one for each open trace (and one more for
// SQL that strangers write), and by import/client.ts for another tool's. It answers one request at a time and ends when
// its parent does.

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
  const schemaText = (): Schema => {
    schema ??= readSchema(readFileSync(schemaFile(program), 'utf8'));
    return schema;
  };
  const open = (path: string): Store => new Store(openDatabase(path, schemaText()));
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
    if (request.method === 'recognise' || request.method === 'import') {
      const { importForeign, recognise } = await import('../import/index.ts');
      if (request.method === 'recognise') return recognise(request.argument.path, request.argument.work);
      return importForeign(request.argument, schemaText(), progress => tell({ id: request.id, progress }));
    }
    if (store === undefined) throw new TraceError('internal', 'No trace is open.');
    if (request.method === 'load') return void store.columns;
    return answer(store, request.method, request.argument);
  };
  /** Lets the message out before what runs next keeps this thread busy. */
  const tell = (reply: Reply): Promise<void> =>
    new Promise(resolve => {
      if (process.send === undefined) resolve();
      else process.send(reply, () => resolve());
    });
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
