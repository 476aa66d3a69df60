// Every wait of a demo explained, one by one, through the query process: the same question that a person asks by
// selecting that stretch of `engine` in the timeline.

import { join } from 'node:path';
import type { CauseNode, Trace } from '../../extension/trace/api.ts';
import { openTrace } from '../../extension/trace/query/client.ts';
import { ns } from '../../extension/trace/time.ts';
import { needBuilt, root } from './programs.ts';
import { type LockTime, saidLockTime, type Truth, trueLockTime, type Wait, waitsInside } from './truth.ts';

export interface ExplainedWait {
  readonly wait: Wait;
  readonly tree: CauseNode;
  readonly said: LockTime;
  readonly true: LockTime;
}

/** A trace in a query process of its own, as the editor and the MCP server have it. */
export async function withTrace<T>(path: string, use: (trace: Trace) => Promise<T>): Promise<T> {
  const queryProgram = join(root, 'dist', 'query.js');
  needBuilt(queryProgram);
  const trace = await openTrace(path, { queryProgram });
  try {
    return await use(trace);
  } finally {
    await trace.close();
  }
}

export function explainWaits(path: string, truth: Truth): Promise<ExplainedWait[]> {
  return withTrace(path, async trace => {
    const { threads, durationNs } = await trace.call('summary', undefined);
    const engine = threads.find(thread => thread.tid === truth.threads.get('engine'));
    if (engine === undefined) throw new Error('the trace has no thread `engine`');
    const explained: ExplainedWait[] = [];
    for (const wait of waitsInside(truth, { startNs: 0, endNs: durationNs })) {
      const window = { startNs: ns(wait.startNs), endNs: ns(wait.endNs) };
      const { examples } = await trace.call('explain', { thread: engine.id, window });
      const [tree] = examples;
      if (tree === undefined) throw new Error(`the wait at ${wait.startNs} ns was not explained`);
      const said = saidLockTime(tree, 'engine', 'tokenizer');
      explained.push({ wait, tree, said, true: trueLockTime(truth, wait) });
    }
    return explained;
  });
}
