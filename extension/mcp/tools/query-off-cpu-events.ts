// query_off_cpu_events: when threads were off the CPU, how long in all, and who had the CPU meanwhile.

import * as z from 'zod';
import { ns } from '../../trace/time.ts';
import { inputOf } from '../input.ts';
import { ask, cutsOutput, records, scopeArguments, tool } from '../tool.ts';
import { count, duration, listed } from '../words.ts';

export const queryOffCpuEvents = tool({
  name: 'query_off_cpu_events',
  title: 'Off-CPU intervals',
  description:
    'Intervals in which the threads of a process were off the CPU, longest first: why, on what, who woke them. Their ' +
    'exact sum by reason (time inside the window), and the contenders: who ran on the CPU while these threads were ' +
    'runnable. Times in nanoseconds since the capture began.',
  input: inputOf({
    ...scopeArguments,
    min_duration_ms: z.number().min(0).optional().describe('Only intervals of at least this length'),
    reason: z
      .string()
      .optional()
      .describe(
        'preempted, yielded, throttled, futex, sleep, poll, disk, page_fault, pipe, socket, gpu, ...',
      ),
    limit: z.int().min(1).max(2000).default(12).describe('Intervals to list'),
  }),
  output: z.object({
    trace: z.string(),
    events: records,
    total: z.int(),
    totalNs: z.int(),
    byReason: records,
    contenders: records,
    cuts: cutsOutput,
  }),
  run: async (context, args) => {
    const { known, trace, within } = await ask(context, args);
    const result = await trace.call(
      'offCpu',
      {
        ...within,
        ...(args.min_duration_ms === undefined
          ? {}
          : { minDurationNs: ns(Math.round(args.min_duration_ms * 1e6)) }),
        ...(args.reason === undefined ? {} : { reason: args.reason }),
        limit: args.limit,
      },
      context.signal,
    );
    const cuts =
      result.total > result.events.length
        ? [
            `${result.events.length} of ${result.total} intervals, the longest; narrow the window or raise limit`,
          ]
        : [];
    const structured = {
      trace: known.id,
      events: result.events,
      total: result.total,
      totalNs: result.totalNs,
      byReason: result.byReason,
      contenders: result.contenders.slice(0, 10),
      cuts,
    };
    const reasons = result.byReason
      .slice(0, 5)
      .map(r => `${r.reason} ${duration(r.blockedNs + r.runnableNs)}`);
    const who = result.contenders.slice(0, 3).map(c => `${c.thread.process} (${duration(c.timeNs)})`);
    const lines = [
      `${known.id}: ${count(result.total)} intervals off the CPU, ${duration(result.totalNs)} in all.`,
      ...(reasons.length === 0 ? [] : [`By reason: ${listed(reasons)}.`]),
      who.length === 0
        ? 'Nobody else had their CPU while they were runnable.'
        : `While runnable, behind: ${listed(who)}.`,
      ...cuts.map(cut => `Cut: ${cut}.`),
    ];
    return { structured, lines, rows: result.events.length };
  },
});
