// From a recording to a trace, on the host: the collector does both in one run. Where that run ended too early, what is
// whole in the spool is still a trace: built by a second run, rather than thrown away.

import { RemoteError } from '../remote/errors.ts';
import { run, script } from '../remote/host.ts';
import { countEvents, type FinishedLine, finishedLine } from './messages.ts';
import type { Stage } from './outcome.ts';
import type { Errand, Ready } from './prepare.ts';
import { CollectorFailure, record } from './record.ts';
import { lookInto, removeHalfBuilt, spoolIn, traceIn } from './workplace.ts';

interface Building extends Errand {
  enter(stage: Stage): void;
}

interface Recording extends Building {
  readonly stop: AbortSignal;
  /** A sentence that belongs beside the trace. */
  remark(sentence: string): void;
  /** The spool turned out to hold nothing worth keeping. */
  nothingThere(): void;
}

/** Codes of the collector: the spool holds nothing that a trace can be built from. */
const NOTHING_IN_IT: ReadonlySet<string> = new Set(['spool_empty', 'not_a_spool']);

export async function recordOrSalvage(
  request: Recording,
  ready: Ready,
  folder: string,
  argv: readonly string[],
): Promise<FinishedLine> {
  let stage = 'record' as Stage;
  const enter = (next: Stage): void => {
    stage = next;
    request.enter(next);
  };
  try {
    return await follow({ ...request, enter }, ready, argv, request.stop);
  } catch (error) {
    if (!(error instanceof RemoteError) || error.reason !== 'command' || request.cancel.aborted) throw error;
    // It was building the trace, and said why it could not: a second time would end the same.
    if (error instanceof CollectorFailure && stage === 'finish') throw error;
    if ((await lookInto(ready.host, folder, request.cancel)) === 'nothing') throw error;
    const saved = await buildTrace(request, ready, folder, 'spool').catch((second: unknown) => {
      if (second instanceof CollectorFailure && NOTHING_IN_IT.has(second.code)) {
        request.nothingThere();
        throw error;
      }
      throw bothFailed(error, second);
    });
    request.remark(`${error.message} What it had recorded until then was saved.`);
    return saved;
  }
}

/** The first failure, with the second beside it where that tells more. */
function bothFailed(first: RemoteError, second: unknown): unknown {
  if (!(second instanceof RemoteError) || second.reason !== 'command') return second;
  return new RemoteError(
    'command',
    `${first.message} The trace could not be built from what was recorded either: ${second.message}`,
    second.hint,
  );
}

/** Builds the trace from the spool that lies in `folder`, or finds it built. */
export async function buildTrace(
  request: Building,
  ready: Ready,
  folder: string,
  found: 'trace' | 'spool',
): Promise<FinishedLine> {
  const { host, facts, collector } = ready;
  if (found === 'trace') return builtBefore(request, ready, folder);
  await removeHalfBuilt(host, folder, request.cancel);
  request.enter('finish');
  return follow(
    request,
    ready,
    [
      ...[collector, 'finalize', spoolIn(folder), '--output', traceIn(folder)],
      ...['--owner', String(facts.uid), '--control-stdin'],
    ],
    new AbortController().signal,
  );
}

/** A trace that was built while nobody listened: its size, and the hash that the collector wrote beside it. */
async function builtBefore(request: Building, { host }: Ready, folder: string): Promise<FinishedLine> {
  const ask = script('cat "$1.sha256" && wc -c <"$1"', traceIn(folder));
  const { exit, stdout } = await run(host, ask, request.cancel);
  const [hashLine = '', bytes = ''] = stdout.trim().split('\n');
  const line = finishedLine(traceIn(folder), Number(bytes), hashLine.split(' ')[0] ?? '');
  if (exit.code === 0 && line) return line;
  throw new RemoteError(
    'transfer',
    `The trace in ${folder} on ${host.name} lies there without its hash, so that nothing can vouch for a copy.`,
    'Copy it by hand (scp), or capture again.',
  );
}

/** Runs the collector, and reports what it says on the way. */
async function follow(
  request: Building,
  { host, root }: Ready,
  argv: readonly string[],
  stop: AbortSignal,
): Promise<FinishedLine> {
  let finishing = false;
  let last = { at: Date.now(), events: 0 };
  return record(host, root, argv, {
    stop,
    cancel: request.cancel,
    patienceMs: request.patienceMs,
    log: request.log,
    onLine: line => {
      if (line.type === 'progress') {
        const events = countEvents(line.events);
        const at = Date.now();
        const eventsPerSecond = Math.round(((events - last.events) * 1000) / Math.max(1, at - last.at));
        last = { at, events };
        request.report({ stage: 'record', live: { events, eventsPerSecond, lost: line.lost ?? 0 } });
      } else if (line.type === 'finalizing') {
        if (!finishing) request.enter('finish');
        finishing = true;
        request.report({ stage: 'finish', ...(line.share === undefined ? {} : { share: line.share }) });
      }
    },
  });
}
