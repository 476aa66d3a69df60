// The methods of TraceApi over one open trace. What only some callers need is loaded when it is first asked for.

import type { Answer, Argument, Method } from '../api.ts';
import { TraceError } from '../error.ts';
import { belief } from './belief.ts';
import { claims } from './claims.ts';
import { flame } from './flame.ts';
import { offCpu } from './off-cpu.ts';
import { row } from './row.ts';
import { slices } from './slices.ts';
import { sql } from './sql.ts';
import { stats } from './stats.ts';
import type { Store } from './store.ts';
import { check, type SummaryOfRows, summary } from './summary.ts';
import { tracks } from './tracks.ts';

type Answers = {
  readonly [M in Exclude<Method, 'summary'>]: (
    store: Store,
    argument: Argument<M>,
  ) => Answer<M> | Promise<Answer<M>>;
} & { readonly summary: (store: Store) => SummaryOfRows };

const answers: Answers = {
  summary,
  check,
  stats: (store, query) => store.recent('stats', query, () => stats(store, query)),
  causes: async (store, query) => {
    // A process that no trace names is said here; the rules only know threads.
    store.window(query);
    store.threadsOf(query);
    return store.recent('causes', query, async () => {
      const { findCauses } = await import('../causes/index.ts');
      return findCauses(store.db, query, belief(store));
    });
  },
  explain: async (store, query) => {
    if ('worst' in query) store.threadsOf(query.worst);
    const { explainDelay } = await import('../causes/index.ts');
    return explainDelay(store.db, query);
  },
  claims: store => store.keep('claims', () => claims(store)),
  offCpu,
  sql,
  schema: store => store.open.schema.text,
  tracks,
  slices,
  flame,
  row,
};

export function isMethod(name: string): name is Method {
  return Object.hasOwn(answers, name);
}

export async function answer(store: Store, method: Method, argument: unknown): Promise<unknown> {
  if (!isMethod(method)) throw new TraceError('internal', `There is no method "${String(method)}".`);
  const run = answers[method] as (store: Store, argument: unknown) => unknown;
  return run(store, argument);
}
