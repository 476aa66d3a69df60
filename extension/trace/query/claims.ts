// What another tool claimed about the trace that it recorded, each claim with what the rows support. Claims are points
// in time that an importer kept word for word (instant.kind '<tool>.chain').

import type { Claim, ClaimReading, ClaimsResult } from '../api.ts';
import { clean } from '../columns/text.ts';
import { ns } from '../time.ts';
import { claimHeadline, claimSentence } from './claim-words.ts';
import { importedFrom } from './imported.ts';
import { cannot, reread } from './reread.ts';
import type { Store } from './store.ts';

const LISTED = 200;
const CHAIN = 'ingero.chain';

/** Before the same are folded. */
export interface SingleClaim {
  readonly id: string | undefined;
  readonly kind: Claim['kind'];
  readonly severity: string;
  readonly summary: string;
  readonly operation: string | undefined;
  readonly node: string | undefined;
  readonly atNs: number;
  readonly reading: ClaimReading;
}

export function claims(store: Store): ClaimsResult {
  const tool = importedFrom(store)?.tool;
  const folded = new Map<string, { first: SingleClaim; count: number; lastNs: number }>();
  const all: SingleClaim[] = [];
  for (const claim of singleClaims(store)) {
    all.push(claim);
    const { kind, severity, operation, node, reading } = claim;
    const key = JSON.stringify([kind, severity, operation, node, reading]);
    const fold = folded.get(key);
    if (fold === undefined) folded.set(key, { first: claim, count: 1, lastNs: claim.atNs });
    else {
      fold.count += 1;
      fold.lastNs = claim.atNs;
    }
  }
  const list = [...folded.values()].sort((a, b) => weight(b.first.reading) - weight(a.first.reading));
  return {
    tool,
    total: all.length,
    folded: folded.size,
    headline: claimHeadline(tool ?? 'The other tool', all),
    claims: list.slice(0, LISTED).map(({ first, count, lastNs }): Claim => {
      const { kind, severity, summary, operation, node, reading } = first;
      const sentence = claimSentence(first);
      const [firstNs, last] = [ns(first.atNs), ns(lastNs)];
      return { kind, severity, summary, operation, node, count, firstNs, lastNs: last, reading, sentence };
    }),
  };
}

/** What can be said most about first. */
const weight = (reading: ClaimReading): number =>
  reading.verdict === 'cannot_check' ? 0 : reading.blamed === 0 ? 1 : 2;

/** Every claim by itself, in order of time. */
export function* singleClaims(store: Store): Generator<SingleClaim> {
  const { calls, threads } = store.columns;
  const nodes = threadsByNode(store);
  const everyone = [...threads.refs.keys()];
  const rows = store.db
    .prepare('SELECT at_ns, details FROM instant WHERE kind = ? ORDER BY id')
    .iterate(CHAIN);
  for (const row of rows) {
    const given = parsed(row['details']);
    const text = (name: string): string | undefined =>
      typeof given[name] === 'string' ? clean(given[name]) : undefined;
    const atNs = Number(row['at_ns']);
    const [operation, node] = [text('operation'), text('node')];
    const kind = kindOf(given);
    const read = (): ClaimReading => {
      if (kind === 'other') return cannot('it is not about single slow calls that the scheduler held up');
      const name = text('function');
      if (name === undefined) return cannot('the operation that it names is not known');
      const fn = calls.functions.findIndex(known => known.name === name);
      if (fn < 0) return cannot(`the file holds no call of ${operation ?? name}`);
      const here = node === undefined ? everyone : (nodes.get(node) ?? []);
      return reread(store, { atNs, fn, operation: operation ?? name, threads: here });
    };
    yield {
      id: text('id'),
      kind,
      severity: text('severity') ?? '',
      summary: text('summary') ?? '',
      operation,
      node,
      atNs,
      reading: read(),
    };
  }
}

/**
 * CPU contention is what it says when calls were slow and it counted context switches or a busy CPU. A drop of
 * throughput is no slow call.
 */
function kindOf(given: Readonly<Record<string, unknown>>): Claim['kind'] {
  const says = `${given['root_cause'] ?? ''} ${given['summary'] ?? ''}`;
  const scheduler = /sched_switch|context switch|CPU (utili[sz]ation|contention)/i.test(says);
  const drop = /throughput dropped/i.test(String(given['summary'] ?? ''));
  return scheduler && !drop ? 'cpu_contention' : 'other';
}

function parsed(details: unknown): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = typeof details === 'string' ? JSON.parse(details) : undefined;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Threads of each host, by their place in the columns, in a file of several. */
function threadsByNode(store: Store): ReadonlyMap<string, readonly number[]> {
  const nodes = new Map<number, string>();
  for (const row of store.db.prepare('SELECT id, details FROM process').iterate()) {
    const { node } = parsed(row['details']);
    if (typeof node === 'string') nodes.set(Number(row['id']), clean(node));
  }
  const threads = new Map<string, number[]>();
  for (const [index, process] of store.columns.threads.processes.entries()) {
    const node = nodes.get(process?.id ?? -1);
    if (node === undefined) continue;
    const of = threads.get(node);
    if (of === undefined) threads.set(node, [index]);
    else of.push(index);
  }
  return threads;
}
