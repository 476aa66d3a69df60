// get_check: what the captured host could and could not do.

import * as z from 'zod';
import { inputOf } from '../input.ts';
import { ask, cutsOutput, firstOf, records, tool, traceArgument } from '../tool.ts';
import { listed, sentence } from '../words.ts';

const META = [
  'host',
  'kernel',
  'machine',
  'cpus',
  'collector_version',
  'profile',
  'end_reason',
  'consistent',
  'overhead',
];
const LISTED = 40;

export const getCheck = tool({
  name: 'get_check',
  title: 'Check of the captured host',
  description:
    'What the captured host could and could not do: kernel, BTF, privileges, driver, CUDA libraries, each probe that ' +
    'was asked for and why it was refused, events lost. Read it before you believe that something did not happen.',
  input: inputOf({
    trace: traceArgument,
    all_probes: z.boolean().default(false).describe('Every probe, not only those with a fault'),
  }),
  output: z.object({
    trace: z.string(),
    host: z.looseObject({}),
    items: records,
    probes: records,
    probesAsked: z.int(),
    probesAttached: z.int(),
    cuts: cutsOutput,
  }),
  run: async (context, args) => {
    const { known, trace } = await ask(context, args);
    const check = await trace.call('check', undefined, context.signal);
    const cuts: string[] = [];
    const faulty = check.probes.filter(
      probe => !probe.attached || (probe.lost ?? 0) > 0 || (probe.missed ?? 0) > 0,
    );
    const wanted = args.all_probes ? check.probes : faulty;
    if (!args.all_probes && faulty.length < check.probes.length) {
      cuts.push(`${check.probes.length - faulty.length} probes without a fault; set all_probes`);
    }
    const attached = check.probes.filter(probe => probe.attached).length;
    const structured = {
      trace: known.id,
      host: Object.fromEntries(META.flatMap(key => (key in check.meta ? [[key, check.meta[key]]] : []))),
      items: firstOf(
        check.items,
        LISTED,
        'items',
        cuts,
        "SELECT value FROM meta WHERE key = 'check' has all",
      ),
      probes: firstOf(wanted, LISTED, 'probes', cuts, 'SELECT * FROM probe has all'),
      probesAsked: check.probes.length,
      probesAttached: attached,
      cuts,
    };
    const bad = check.items.filter(item => item.state !== 'pass');
    const lines = [
      `${known.id}: captured on ${check.meta['host']}, Linux ${check.meta['kernel']}, ${check.meta['cpus']} CPUs.`,
      `${attached} of ${check.probes.length} probes were attached.`,
      check.items.length === 0
        ? 'The file holds no check of the host.'
        : bad.length === 0
          ? `All ${check.items.length} checks of the host passed.`
          : sentence(
              `Not as it should be: ${listed(bad.map(item => `${item.code} (${item.state}): ${item.message.replace(/\.$/, '')}`))}`,
            ),
      ...faulty
        .slice(0, 5)
        .map(probe =>
          sentence(
            `${probe.target}: ${probe.error ?? `lost ${probe.lost ?? 0}, missed ${probe.missed ?? 0}`}`,
          ),
        ),
    ];
    return { structured, lines, rows: check.items.length + structured.probes.length };
  },
});
