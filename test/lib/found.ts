// What the engine finds by itself in a stretch of a trace: its delays, each explained whole, and its findings. (The
// findings that a person gets have three examples each; truth is measured over all of them.)

import { DatabaseSync } from 'node:sqlite';
import type { Cause, CauseNode } from '../../extension/trace/api.ts';
import { analyse, treeOf } from '../../extension/trace/causes/analyse.ts';
import { floorOf, wantedBy } from '../../extension/trace/causes/query.ts';
import { rootOfDelay, rootOfWindow } from '../../extension/trace/causes/roots.ts';
import { columnsOf } from '../../extension/trace/columns/index.ts';
import type { Span } from '../../extension/trace/time.ts';

/** A tree, and the time that it stands for: more than its own where it is the example of a sum. */
export interface Explained {
  readonly tree: CauseNode;
  readonly weight: number;
}

export interface Found {
  readonly causes: readonly Cause[];
  readonly explained: readonly Explained[];
}

export class StoryTrace {
  readonly #db: DatabaseSync;
  readonly startUnixNs: bigint;
  readonly durationNs: number;

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { readOnly: true });
    const start = this.#db.prepare("SELECT value FROM meta WHERE key = 'start_unix_ns'").get();
    this.startUnixNs = BigInt(String(JSON.parse(String(start?.['value']))));
    this.durationNs = columnsOf(this.#db).captureEndNs;
  }

  found(pid: number, window: Span): Found {
    const columns = columnsOf(this.#db);
    const { found, causes } = analyse(columns, window, floorOf(), wantedBy(columns, pid), true);
    const trees = found.delays.map(delay => treeOf(columns, rootOfDelay(columns, delay)));
    return {
      causes,
      explained: [
        ...trees.map(tree => ({ tree, weight: 1 })),
        ...causes.filter(isSum).flatMap(({ timeNs, examples }) => {
          const shownNs = examples.reduce((sum, { durationNs }) => sum + durationNs, 0);
          return examples.map(tree => ({ tree, weight: timeNs / shownNs }));
        }),
      ],
    };
  }

  /** What the thread with this tid did in the window. */
  explain(tid: number, { startNs, endNs }: Span): CauseNode {
    const columns = columnsOf(this.#db);
    const thread = columns.threads.refs.findIndex(each => each.tid === tid);
    if (thread < 0) throw new Error(`the trace has no thread ${tid}`);
    return treeOf(columns, rootOfWindow(columns, thread, startNs, endNs));
  }

  close(): void {
    this.#db.close();
  }
}

/** Of a sum only typical calls are explained: what is said of them stands for all. */
const isSum = ({ examples }: Cause): boolean => examples[0]?.edge === 'sum';
