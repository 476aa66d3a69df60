// One question to one trace, timed inside the process that answers it: what test/bench/causes.ts starts anew for each.
//
//   node scripts/bench/explain.ts FILE causes|stats

import { readFileSync } from 'node:fs';
import { resourceUsage } from 'node:process';
import { explainDelay, findCauses } from '../../extension/trace/causes/index.ts';
import { openDatabase } from '../../extension/trace/open.ts';
import { belief } from '../../extension/trace/query/belief.ts';
import { stats } from '../../extension/trace/query/stats.ts';
import { Store } from '../../extension/trace/query/store.ts';
import { readSchema } from '../../extension/trace/schema.ts';

const [file = '', what] = process.argv.slice(2);
const schema = readSchema(readFileSync(new URL('../../collector/schema.sql', import.meta.url), 'utf8'));

const timed = <T>(run: () => T): { readonly took: number; readonly answer: T } => {
  const begin = performance.now();
  const answer = run();
  return { took: performance.now() - begin, answer };
};

function measure(): { ms: number; againMs: number; delays: number; calls: number } {
  const begin = performance.now();
  const store = new Store(openDatabase(file, schema));
  if (what === 'causes') {
    const { answer } = timed(() => findCauses(store.db, {}, belief(store)));
    const ms = performance.now() - begin;
    const call = answer.causes
      .flatMap(({ examples }) => examples)[0]
      ?.rows.find(row => row.table === 'cuda_call');
    const id = call !== undefined && 'id' in call ? call.id : 1;
    return {
      ms,
      againMs: timed(() => explainDelay(store.db, { call: id })).took,
      delays: answer.delays.slowCalls + answer.delays.slowGaps,
      calls: store.columns.calls.rows,
    };
  }
  const { calls } = store.columns;
  const { took } = timed(() => stats(store, {}));
  return { ms: performance.now() - begin, againMs: took, delays: 0, calls: calls.rows };
}

const measured = measure();
process.stdout.write(JSON.stringify({ ...measured, peakBytes: resourceUsage().maxRSS * 1024 }));
