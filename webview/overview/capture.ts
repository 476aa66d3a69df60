// What was captured, and how far it can be believed: where, when, by what, and everything lost, thinned or refused.

import type { TraceSummary } from '../../extension/trace/api.ts';
import { el, icon } from '../base/dom.ts';
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDay,
  formatDuration,
  formatOffset,
  formatShare,
} from '../base/format.ts';
import { verdict } from '../shell/belief.ts';

const PROVENANCE: Readonly<Record<TraceSummary['provenance']['state'], string>> = {
  verified: 'unchanged since its capture (SHA-256)',
  changed: 'CHANGED since its capture: its SHA-256 is not the one written beside it',
  'not known': 'no SHA-256 beside it to compare with',
};

export function captureSection(summary: TraceSummary): HTMLElement {
  const targets = summary.processes.filter(process => process.isTarget);
  const facts: readonly (readonly [string, string])[] = [
    ['host', `${summary.host}, ${summary.machine}, ${summary.cpus} CPUs, Linux ${summary.kernel}`],
    [
      'when',
      `${formatDay(summary.startUnixNs)} ${formatClock(summary.startUnixNs, 0, 3)}, for ${formatDuration(summary.durationNs)}`,
    ],
    ['targets', targets.map(process => `${process.name} ${process.pid}`).join(', ') || 'none'],
    ...(summary.imported === undefined ? recorded(summary) : importedFrom(summary.imported, summary)),
    ['file', `${summary.path}, ${formatBytes(summary.bytes)}, ${PROVENANCE[summary.provenance.state]}`],
    ['events', `${formatCount(summary.events)}: ${rowsInWords(summary.rows)}`],
  ];
  return el(
    'section',
    {},
    el('h2', {}, 'What was captured'),
    el(
      'dl',
      { class: 'facts' },
      ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]),
    ),
  );
}

type Facts = readonly (readonly [string, string])[];

const recorded = (summary: TraceSummary): Facts => [
  ['ended by', summary.endReason.replaceAll('_', ' ')],
  ['profile', summary.profile],
  ['collector', `${summary.collectorVersion}: ${summary.commandLine}`],
];

const importedFrom = (
  { tool, version, file }: NonNullable<TraceSummary['imported']>,
  { collectorVersion, commandLine }: TraceSummary,
): Facts => [
  ['imported', `from ${file} of ${tool}${version === undefined ? '' : `, its version ${version}`}`],
  ['recorded by', `${collectorVersion}, ${commandLine}`],
];

const rowsInWords = (rows: TraceSummary['rows']): string =>
  ['cuda_call', 'off_cpu', 'cpu_slice', 'cpu_sample', 'syscall', 'block_io', 'memory_stall', 'instant']
    .filter(table => (rows[table] ?? 0) > 0)
    .map(table => `${formatCount(rows[table] ?? 0)} ${table}`)
    .join(', ');

export function beliefSection(summary: TraceSummary): HTMLElement {
  const { belief } = summary;
  const { loud, text } = verdict(belief, summary.provenance.state);
  const lines = [
    ...belief.remarks,
    ...belief.losses.map(
      loss =>
        `${formatCount(loss.events)} ${loss.class} events lost at ${formatOffset(loss.startNs)} for ${formatDuration(loss.durationNs)} (${loss.source}).`,
    ),
    ...belief.coverage.map(
      part =>
        `${part.what}: ${formatShare(part.kept)} kept from ${formatOffset(part.startNs)} for ${formatDuration(part.durationNs)} (${part.reason.replaceAll('_', ' ')}).`,
    ),
  ];
  return el(
    'section',
    { id: 'belief', data: { lost: belief.eventsLost } },
    el('h2', {}, 'What can be believed'),
    el(
      'p',
      {},
      el(
        'span',
        { class: loud ? 'loud' : 'good' },
        icon(loud ? 'warning' : 'check'),
        ` ${text[0]?.toUpperCase()}${text.slice(1)}`,
      ),
      el(
        'span',
        { class: 'quiet' },
        ` · ${belief.probesAttached} of ${belief.probesAsked} probes attached · counters ${belief.consistent ? 'add up' : 'do not add up'}`,
      ),
    ),
    el('ul', { class: 'remarks' }, ...lines.map(line => el('li', {}, line))),
  );
}
