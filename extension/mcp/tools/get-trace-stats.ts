// get_trace_stats: latency of each CUDA function, off-CPU time of each thread, exact over every event.

import * as z from 'zod';
import type { Belief, FunctionStats, ThreadStats } from '../../trace/api.ts';
import { inputOf } from '../input.ts';
import { ask, cutsOutput, firstOf, records, scopeArguments, tool } from '../tool.ts';
import { count, counted, duration, percent } from '../words.ts';

export const getTraceStats = tool({
  name: 'get_trace_stats',
  title: 'Statistics of a GPU trace',
  description:
    'For each CUDA function: count, total, p50 p95 p99 p99.9 max (exact, nearest rank, over every finished call; a ' +
    'runtime call and the driver call inside it are listed each, do not add them). For each thread: time on the CPU ' +
    'and off it by reason. How long no launch was under way. What was lost. Times in nanoseconds.',
  input: inputOf({
    ...scopeArguments,
    limit: z.int().min(1).max(500).optional().describe('Functions, and threads; default 12 and 8'),
    histogram: z.boolean().default(false).describe('Counts by power-of-two bins from 1 us for each function'),
  }),
  output: z.object({
    trace: z.string(),
    window: z.looseObject({}),
    functions: records,
    threads: records,
    gaps: records,
    belief: z.looseObject({}),
    cuts: cutsOutput,
  }),
  run: async (context, args) => {
    const { known, trace, within } = await ask(context, args);
    const stats = await trace.call('stats', within, context.signal);
    const cuts: string[] = [];
    const functions = firstOf(stats.functions, args.limit ?? 12, 'functions', cuts, 'raise limit');
    const threads = firstOf(stats.threads, args.limit ?? 8, 'threads', cuts, 'raise limit or give a pid');
    const structured = {
      trace: known.id,
      window: stats.window,
      functions: functions.map(fn => (args.histogram ? fn : without(fn))),
      threads: threads.map(thread => shortThread(thread, args.limit === undefined ? 4 : 16)),
      gaps: stats.gaps.slice(0, 4).map(gap => ({ ...gap, longest: gap.longest.slice(0, 3) })),
      belief: shortBelief(stats.belief),
      cuts,
    };
    return {
      structured,
      lines: wording(known.id, stats.window, functions, stats.belief, cuts),
      rows: functions.length + threads.length,
    };
  },
});

function without({ histogram, ...fn }: FunctionStats): Omit<FunctionStats, 'histogram'> {
  return fn;
}

function shortThread({ thread, offCpu, ...rest }: ThreadStats, reasons: number) {
  const blocked = offCpu.reduce((sum, reason) => sum + reason.blockedNs, 0);
  const runnable = offCpu.reduce((sum, reason) => sum + reason.runnableNs, 0);
  return {
    threadId: thread.id,
    tid: thread.tid,
    pid: thread.pid,
    name: thread.name,
    process: thread.process,
    ...rest,
    blockedNs: blocked,
    runnableNs: runnable,
    offCpu: offCpu.slice(0, reasons),
    reasons: offCpu.length,
  };
}

/** What can be believed, with the first few stretches of loss and thinning. */
export function shortBelief(belief: Belief) {
  return { ...belief, losses: belief.losses.slice(0, 3), coverage: belief.coverage.slice(0, 3) };
}

function wording(
  id: string,
  window: { readonly startNs: number; readonly endNs: number },
  functions: readonly FunctionStats[],
  belief: Belief,
  cuts: readonly string[],
): readonly string[] {
  const rows = functions
    .slice(0, 8)
    .map(
      fn =>
        `${fn.function}: ${counted(fn.count, 'call')}, p50 ${duration(fn.p50Ns)}, p99 ${duration(fn.p99Ns)}, max ${duration(fn.maxNs)}`,
    );
  const lost =
    belief.eventsLost === 0
      ? 'Nothing was lost.'
      : `${count(belief.eventsLost)} events were lost: see belief.remarks before trusting a count.`;
  const length = window.endNs - window.startNs;
  return [
    `${id}, ${duration(length)} of it (from ${(window.startNs / 1e9).toFixed(3)} s):`,
    ...(rows.length === 0 ? ['No CUDA call in this window.'] : rows),
    `${lost} ${belief.probesAttached} of ${belief.probesAsked} probes (${percent(belief.probesAttached / Math.max(1, belief.probesAsked))}) were attached.`,
    ...cuts.map(cut => `Cut: ${cut}.`),
  ];
}
