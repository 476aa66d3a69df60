// Calls that are short but so many that they take much of a thread's time: told as where the time went.

import type { Cause, CauseNode } from '../api.ts';
import type { Columns } from '../columns/index.ts';
import { ns } from '../time.ts';
import type { Sum } from './delays.ts';
import { idOf } from './fold.ts';
import { calledFrom } from './roots.ts';
import { role } from './strand.ts';
import { counted, named, percent, time } from './words.ts';

export function causeOfSum(
  columns: Columns,
  sum: Sum,
  wallNs: number,
  example: (call: number) => CauseNode,
): Cause {
  const { calls, threads } = columns;
  const name = calls.functions[sum.function]?.name ?? 'a CUDA call';
  const thread = threads.refs[sum.thread];
  const share = Math.min(1, sum.timeNs / Math.max(1, wallNs));
  return {
    id: idOf(`sum > ${name}@${sum.callSite} > ${role(thread)} > ${thread?.id}`),
    kind: 'work',
    sentence: `${counted(sum.count, 'call')} of \`${name}\`${calledFrom(columns, sum.callSite)} on ${named(thread)} took ${time(sum.timeNs)} together, ${percent(share)} of its time, though none of them was slow.`,
    severity: undefined,
    confidence: { value: 0.95, loweredBy: [] },
    share,
    timeNs: ns(sum.timeNs),
    count: sum.count,
    explained: 1,
    state: undefined,
    examples: sum.typical.map(example),
  };
}
