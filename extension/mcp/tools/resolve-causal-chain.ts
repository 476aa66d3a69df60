// resolve_causal_chain: one delay explained, whole.

import * as z from 'zod';
import type { Cause, CauseNode, ExplainQuery, RowDetails, RowRef, Trace } from '../../trace/api.ts';
import { TraceError } from '../../trace/error.ts';
import { ns, type Span } from '../../trace/time.ts';
import { inputOf } from '../input.ts';
import { editorLink } from '../link.ts';
import { blockingMechanism } from '../mechanism.ts';
import { ask, cutsOutput, pidArgument, records, scope, scopeArguments, tool } from '../tool.ts';
import { fitCauses, mainPath } from '../tree.ts';
import { duration, percent } from '../words.ts';

const CHARACTERS = 7_500;
const STACKS = 4;
const FRAMES = 24;

const input = inputOf({
  ...scopeArguments,
  target_pid: pidArgument,
  call: z.int().optional().describe('cuda_call.id: explain this call'),
  thread: z.int().optional().describe('thread.id: with a window, explain that stretch of this thread'),
  latency_window_s: z
    .number()
    .positive()
    .optional()
    .describe('Look at the last so many seconds of the capture'),
  include_stacks: z.boolean().default(false).describe('Stacks of the rows on the main path'),
});

export const resolveCausalChain = tool({
  name: 'resolve_causal_chain',
  title: 'Explain one delay',
  description:
    'One delay explained down to its root: the call with id `call`, or a window of `thread`, or else the worst delay of ' +
    '`pid` (in the window, or in the last latency_window_s). Says the blocking mechanism, who contended, and what to do.',
  input,
  output: z.object({
    trace: z.string(),
    cause: z.looseObject({}),
    blocking_mechanism: z.string(),
    contention_source: z.looseObject({}).optional(),
    recommended_action: z.string().optional(),
    main_path: records,
    stacks: records.optional(),
    link: z.string(),
    cuts: cutsOutput,
  }),
  run: async (context, args) => {
    const { known, trace, window, glance } = await ask(context, args);
    const cause = await trace.call('explain', queryOf(args, window, glance.durationNs), context.signal);
    const [example] = cause.examples;
    if (example === undefined)
      throw new TraceError('not_in_trace', 'There is no delay to explain in what was asked for.');
    const path = mainPath(example);
    const fitted = fitCauses([cause], CHARACTERS);
    const source = contentionSource(path);
    const stacks = args.include_stacks ? await stacksOf(trace, path) : undefined;
    const structured = {
      trace: known.id,
      cause: fitted.causes[0] ?? cause,
      blocking_mechanism: blockingMechanism(example),
      contention_source: source,
      recommended_action: cause.remedy,
      main_path: path.map(node => ({
        edge: node.edge,
        state: node.state,
        label: node.label,
        thread: node.thread?.name,
        durationNs: node.durationNs,
      })),
      stacks,
      link: editorLink({
        trace: known.path,
        thread: example.thread?.id,
        window: { startNs: example.startNs, endNs: ns(example.startNs + example.durationNs) },
      }),
      cuts: fitted.cuts
        .filter(cut => !cut.startsWith('one example'))
        .concat(
          fitted.cuts.some(cut => cut.startsWith('one example'))
            ? ['light branches of the tree; narrow the window']
            : [],
        ),
    };
    return { structured, lines: wording(cause, path, structured.blocking_mechanism), rows: 1 };
  },
});

function queryOf(args: z.infer<typeof input>, window: Span | undefined, captureNs: number): ExplainQuery {
  if (args.call !== undefined) return { call: args.call };
  const last =
    args.latency_window_s === undefined
      ? undefined
      : {
          startNs: ns(Math.max(0, Math.round(captureNs - args.latency_window_s * 1e9))),
          endNs: ns(captureNs),
        };
  const stretch = window ?? last;
  if (args.thread !== undefined) {
    if (stretch === undefined) {
      throw new TraceError(
        'bad_query',
        'A thread needs a window.',
        'Give start and end, or latency_window_s.',
      );
    }
    return { thread: args.thread, window: stretch };
  }
  return { worst: scope(stretch, args.pid ?? args.target_pid) };
}

/** The last one on the main path who had what another wanted. */
function contentionSource(path: readonly CauseNode[]): Record<string, unknown> | undefined {
  const node = path.findLast(({ edge }) => edge === 'behind' || edge === 'held_by' || edge === 'waited_for');
  if (node === undefined) return undefined;
  return {
    edge: node.edge,
    thread: node.thread,
    label: node.label,
    durationNs: node.durationNs,
    object: node.object,
  };
}

async function stacksOf(trace: Trace, path: readonly CauseNode[]) {
  const refs: RowRef[] = path.flatMap(node => node.rows.slice(0, 1));
  const wanted = refs.filter(
    ref => ref.table === 'cuda_call' || ref.table === 'off_cpu' || ref.table === 'cpu_sample',
  );
  const details = await Promise.all(wanted.map(ref => trace.call('row', ref)));
  return details.flatMap(sayStacks).slice(0, STACKS);
}

function sayStacks({ ref, stacks }: RowDetails) {
  return stacks.map(stack => ({
    row: ref,
    name: stack.name,
    frames: stack.frames
      .slice(0, FRAMES)
      .map(frame =>
        frame.file === undefined ? frame.function : `${frame.function} (${frame.file}:${frame.line ?? '?'})`,
      ),
  }));
}

function wording(cause: Cause, path: readonly CauseNode[], how: string): readonly string[] {
  return [
    cause.sentence,
    `Kind ${cause.kind}, confidence ${cause.confidence.value.toFixed(2)}, ${percent(cause.explained)} explained.`,
    `Blocking mechanism: ${how}.`,
    `Main path: ${path.map(node => `${node.label} (${duration(node.durationNs)})`).join(' <- ')}.`,
    ...(cause.remedy === undefined ? [] : [`What to do: ${cause.remedy}`]),
  ];
}
