// get_causal_chains: why the GPU waited, ranked, each cause with its tree and its evidence.

import * as z from 'zod';
import type { ClaimsResult } from '../../trace/api.ts';
import { inputOf } from '../input.ts';
import { editorLink } from '../link.ts';
import { ask, cutsOutput, records, scopeArguments, tool } from '../tool.ts';
import { fitCauses } from '../tree.ts';
import { duration, percent } from '../words.ts';
import { shortBelief } from './get-trace-stats.ts';

/** Characters of JSON: with the text and the envelope under 4000 tokens. */
const DEFAULT_CHARACTERS = 7_500;
const ASKED_CHARACTERS = 60_000;

export const getCausalChains = tool({
  name: 'get_causal_chains',
  title: 'Why the GPU waited',
  description:
    'The ranked causes of slow CUDA calls and slow gaps between them. Each has a sentence, kind (cause, lead, work, ' +
    'innocent), severity, confidence, the share of the wall time of the thread that waited, and example trees whose leaves add up exactly; rows are ' +
    'the evidence (table and id). A trace that was imported from another tool also has its claims, each with what the ' +
    'rows support. Start here. Times in nanoseconds since the capture began.',
  input: inputOf({
    ...scopeArguments,
    floor_us: z
      .number()
      .positive()
      .optional()
      .describe('Delays under this many microseconds do not count; default 1000'),
    limit: z.int().min(1).max(100).optional().describe('Causes; default 5. When given, trees are longer too'),
  }),
  output: z.object({
    trace: z.string(),
    headline: z.string(),
    window: z.looseObject({}),
    causes: records,
    total: z.int(),
    delays: z.looseObject({}),
    byState: records,
    belief: z.looseObject({}),
    claims: z
      .looseObject({})
      .optional()
      .describe('What the tool said that recorded an imported trace, read again'),
    cuts: cutsOutput,
  }),
  run: async (context, args) => {
    const { known, glance, trace, within } = await ask(context, args);
    const limit = args.limit ?? 5;
    const floor = args.floor_us === undefined ? {} : { floorUs: args.floor_us };
    const claims =
      glance.imported === undefined ? undefined : await trace.call('claims', undefined, context.signal);
    const result = await trace.call('causes', { ...within, ...floor, limit }, context.signal);
    const read = claims === undefined ? undefined : shortClaims(claims, limit);
    const given = args.limit === undefined ? DEFAULT_CHARACTERS : ASKED_CHARACTERS;
    const room = given - (read === undefined ? 0 : JSON.stringify(read).length);
    const { causes, cuts } = fitCauses(result.causes.slice(0, limit), room);
    const more =
      result.total > result.causes.length
        ? [`${result.causes.length} of ${result.total} causes; raise limit`]
        : [];
    const structured = {
      trace: known.id,
      headline: result.headline,
      window: result.window,
      causes: causes.map(cause => ({ ...cause, link: editorLink({ trace: known.path, cause: cause.id }) })),
      total: result.total,
      delays: result.delays,
      byState: result.byState,
      belief: shortBelief(result.belief),
      cuts: [...more, ...cuts],
      ...(read === undefined ? {} : { claims: read }),
    };
    const said = causes.map(
      (cause, i) =>
        `${i + 1}. [${cause.kind}${cause.severity === undefined ? '' : `, ${cause.severity}`}, confidence ${cause.confidence.value.toFixed(2)}] ` +
        `${cause.sentence} (${cause.count} times, ${duration(cause.timeNs)} in all, ${percent(cause.share)} of the thread's time; id ${cause.id})`,
    );
    const lines = [
      result.headline,
      ...said,
      ...(claims?.headline === undefined ? [] : [claims.headline]),
      ...structured.belief.remarks.slice(0, 3),
      ...structured.cuts.map(cut => `Cut: ${cut}.`),
    ];
    return { structured, lines, rows: causes.length };
  },
});

/** Rows of one claim that are named. */
const EVIDENCE = 3;

/** Claims that say the same of the same calls are one; those of which most can be said come first. */
function shortClaims({ tool, total, folded, headline, claims }: ClaimsResult, limit: number) {
  return {
    tool,
    headline,
    total,
    folded,
    claims: claims.slice(0, limit).map(({ reading, ...claim }) => ({
      ...claim,
      reading: 'rows' in reading ? { ...reading, rows: reading.rows.slice(0, EVIDENCE) } : reading,
    })),
  };
}
