// Delays that tell the same story become one finding: what was late, where it was called from, who was to answer, down
// to the leaf. Times are summed, the three worst trees are kept whole.

import type { Cause, CauseNode } from '../api.ts';
import type { Columns } from '../columns/index.ts';
import { confidence } from './confidence.ts';
import { certain, kindOfPath, severityOf } from './kind.ts';
import { sentenceOften, sentenceOnce } from './phrase.ts';
import { remedyOf } from './remedy.ts';
import { pathOf, unexplainedNs } from './story.ts';
import { addStrand, role, type Strand } from './strand.ts';

const EXAMPLES = 3;
/** A story counts for a delay when it took a fifth of it, or so long that it would be slow by itself. */
const WEIGHTY = 0.2;
/** A finding that explains less than this share of the slow time is left to the sums by state, unless one was long. */
const WORTH_A_LINE = 0.01;
const LONG_NS = 100e6;

interface Fold {
  readonly signature: string;
  readonly from: string;
  readonly strands: Map<string, Strand>;
  readonly timeByThread: Map<number, number>;
  readonly examples: { readonly root: CauseNode; readonly timeNs: number }[];
  count: number;
  timeNs: number;
  longestNs: number;
  trustNs: number;
}

export interface Occurrence {
  readonly root: CauseNode;
  readonly story: Strand;
  /** What was late and where it was called from. */
  readonly what: string;
  /** Its call site in words. */
  readonly from: string;
  /** Index of the thread that was late. */
  readonly thread: number;
}

export class Folds {
  readonly #folds = new Map<string, Fold>();
  readonly #columns: Columns;
  readonly #floorNs: number;

  constructor(columns: Columns, floorNs: number) {
    this.#columns = columns;
    this.#floorNs = floorNs;
  }

  add({ root, story, what, from, thread }: Occurrence): void {
    if (story.timeNs < root.durationNs * WEIGHTY && story.timeNs < this.#floorNs) return;
    const signature = signatureOf(root, story, what);
    let fold = this.#folds.get(signature);
    if (fold === undefined) {
      fold = {
        signature,
        from,
        strands: new Map(),
        timeByThread: new Map(),
        examples: [],
        count: 0,
        timeNs: 0,
        longestNs: 0,
        trustNs: 0,
      };
      this.#folds.set(signature, fold);
    }
    addStrand(fold.strands, story);
    fold.count++;
    fold.timeNs += story.timeNs;
    fold.longestNs = Math.max(fold.longestNs, story.timeNs);
    fold.trustNs += root.confidence * story.timeNs;
    fold.timeByThread.set(thread, (fold.timeByThread.get(thread) ?? 0) + story.timeNs);
    fold.examples.push({ root, timeNs: story.timeNs });
    fold.examples.sort((a, b) => b.timeNs - a.timeNs || a.root.startNs - b.root.startNs);
    fold.examples.length = Math.min(fold.examples.length, EXAMPLES);
  }

  /** The findings: causes, leads, work; of each the most time lost first, what is less certain counting for less. */
  causes(wallNs: (thread: number) => number, always = false): readonly Cause[] {
    let allNs = 0;
    for (const { timeNs } of this.#folds.values()) allNs += timeNs;
    return [...this.#folds.values()]
      .filter(fold => fold.timeNs >= allNs * WORTH_A_LINE || fold.longestNs >= LONG_NS)
      .map(fold => causeOf(this.#columns, fold, wallNs, always))
      .sort(byRank);
  }
}

const weight = ({ timeNs, confidence }: Cause): number => timeNs * confidence.value;
const rank = { cause: 0, lead: 1, work: 2, innocent: 3 } as const;

export const byRank = (a: Cause, b: Cause): number =>
  rank[a.kind] - rank[b.kind] || weight(b) - weight(a) || (a.id < b.id ? -1 : 1);

/** `always`: the delay was named by whoever asks, so one occurrence is enough. */
function causeOf(columns: Columns, fold: Fold, wallNs: (thread: number) => number, always: boolean): Cause {
  const [story] = fold.strands.values();
  const worst = fold.examples[0]?.root;
  if (story === undefined || worst === undefined) throw new Error('a fold has at least one delay');
  const path = pathOf(story);
  const sure = confidence(path, fold.timeNs === 0 ? worst.confidence : fold.trustNs / fold.timeNs);
  const explained = fold.timeNs === 0 ? 0 : 1 - unexplainedNs(story) / fold.timeNs;
  const shares = [...fold.timeByThread].map(([thread, timeNs]) => timeNs / Math.max(1, wallNs(thread)));
  const share = Math.min(1, Math.max(0, ...shares));
  const kind = certain(kindOfPath(path, columns.collectorPid), {
    count: always ? Number.POSITIVE_INFINITY : fold.count,
    explained,
    confidence: sure.value,
  });
  const remedy = remedyOf(path, columns, kind);
  return {
    id: idOf(fold.signature),
    kind,
    sentence:
      fold.count === 1
        ? sentenceOnce(worst, story, fold.from)
        : sentenceOften(worst, story, fold.count, fold.timeByThread.size, fold.from),
    severity: severityOf(kind, share, fold.longestNs),
    confidence: sure,
    share,
    timeNs: fold.timeNs as Cause['timeNs'],
    count: fold.count,
    explained,
    ...(remedy === undefined ? {} : { remedy }),
    state: story.worst.state,
    examples: fold.examples.map(({ root }) => root),
  };
}

function signatureOf(root: CauseNode, story: Strand, what: string): string {
  const links = pathOf(story).map(strand => strand.key);
  return [root.edge, what, role(root.thread), ...links].join(' > ');
}

/** A short name that stays the same from run to run: FNV-1a of the signature, twice 32 bits. */
export function idOf(signature: string): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < signature.length; i++) {
    low = Math.imul(low ^ signature.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ signature.charCodeAt(signature.length - 1 - i), 0x811c9dc5);
  }
  const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
  return hex(low) + hex(high);
}
