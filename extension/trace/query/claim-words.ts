// Readings of claims in sentences: what was claimed, what the rows say, what nobody can say from this file.

import type { ClaimReading } from '../api.ts';
import { counted, percent, time } from '../causes/words.ts';
import type { SingleClaim } from './claims.ts';

type Read = Extract<ClaimReading, { verdict: 'read' }>;

export function claimSentence({ operation, reading }: SingleClaim): string {
  if (reading.verdict === 'cannot_check') return `This cannot be checked from this file: ${reading.why}.`;
  const what = operation ?? 'the operation';
  const { calls, medianNs, blamed, blamedNs } = reading;
  if (blamed === 0) {
    return `The slow calls are not in this file: of ${counted(calls, 'call')} of ${what} in the 10 s before, none took longer than 3 x their median of ${time(medianNs)}.`;
  }
  const them = blamed === 1 ? 'it' : 'them';
  return (
    `${counted(blamed, 'call')} of ${what} took longer than 3 x the median of ${time(medianNs)}, ${time(blamedNs)} in all. ` +
    `${found(reading, `The thread that made ${them}`)}`
  );
}

/** What is not off the CPU is not "on the CPU": the file does not hold every switch. */
function found({ blamedNs, offCpuNs, unwatchedNs, share }: Read, who: string): string {
  if (unwatchedNs >= blamedNs) {
    return `No switch of its thread is recorded around that time: whether the scheduler was to blame cannot be told from this file.`;
  }
  const off = `${who} was off the CPU for ${percent(share)} of that (${time(offCpuNs)})`;
  if (offCpuNs >= blamedNs) return `${off}; why is not recorded.`;
  const unwatched =
    unwatchedNs <= 0
      ? ''
      : `: ${percent(unwatchedNs / blamedNs)} of it lies where no switch of that thread is recorded`;
  return `${off}, why is not recorded; the rest is not explained by this file${unwatched}.`;
}

/** One sentence over all claims; undefined where there is none. */
export function claimHeadline(tool: string, all: readonly SingleClaim[]): string | undefined {
  if (all.length === 0) return undefined;
  const blaming = all.filter(({ kind }) => kind === 'cpu_contention');
  const read = blaming.flatMap(({ reading }) =>
    reading.verdict === 'read' && reading.blamed > 0 ? [reading] : [],
  );
  const said = `${tool} gives ${counted(all.length, 'cause')}, ${blaming.length.toLocaleString('en-US')} of them CPU contention.`;
  if (read.length === 0) return `${said} None of them can be checked: the slow calls are not in this file.`;
  const blamedNs = read.reduce((sum, { blamedNs }) => sum + blamedNs, 0);
  const offCpuNs = read.reduce((sum, { offCpuNs }) => sum + offCpuNs, 0);
  const unwatchedNs = read.reduce((sum, reading) => sum + reading.unwatchedNs, 0);
  const unknown =
    unwatchedNs === 0
      ? ''
      : ` For ${unwatchedNs >= blamedNs ? 'all' : percent(unwatchedNs / blamedNs)} of that time no switch of the thread is recorded: there the file cannot say.`;
  return (
    `${said} The calls that it blames are in the file for ${read.length.toLocaleString('en-US')} of these; ` +
    `their own threads were off the CPU for ${percent(offCpuNs / blamedNs)} of those calls' time.${unknown}`
  );
}
