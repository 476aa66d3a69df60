// How far the trace can be believed, always in sight at the top right: quiet when nothing is wrong, loud only when
// something is. The remarks behind it stand in the Overview.

import type { Belief, TraceSummary } from '../../extension/trace/api.ts';
import type { Data } from '../base/data.ts';
import { el, icon } from '../base/dom.ts';
import {
  formatClock,
  formatCount,
  formatDay,
  formatDuration,
  formatShare,
  formatShortCount,
} from '../base/format.ts';

export interface Verdict {
  readonly loud: boolean;
  readonly text: string;
}

export function verdict(belief: Belief, provenance: TraceSummary['provenance']['state']): Verdict {
  if (provenance === 'changed') return { loud: true, text: 'file changed since its capture' };
  if (belief.eventsLost > 0) return { loud: true, text: `${formatCount(belief.eventsLost)} events lost` };
  if (!belief.consistent) return { loud: true, text: 'counters do not add up' };
  if (belief.probesAttached < belief.probesAsked) {
    const refused = belief.probesAsked - belief.probesAttached;
    return { loud: true, text: refused === 1 ? '1 probe refused' : `${refused} probes refused` };
  }
  if (belief.coverage.some(part => part.kept < 1)) return { loud: true, text: 'thinned in parts' };
  return { loud: false, text: 'nothing lost' };
}

export function beliefLine(data: Data, open: () => void): HTMLElement {
  const { summary } = data;
  const { loud, text } = verdict(summary.belief, summary.provenance.state);
  const overhead = el('span', { class: 'overhead', hidden: true });
  data.check().then(
    check => {
      const cost = overheadOf(check.meta['overhead'], summary);
      if (cost === undefined) return;
      overhead.hidden = false;
      overhead.append('overhead ', el('b', {}, formatShare(cost.share)));
      overhead.title = `CPU time of ${cost.of}, as a share of all CPU time of the host`;
    },
    // Without it the line is shorter; the Overview says what the file does not tell.
    () => undefined,
  );
  return el(
    'button',
    {
      class: 'belief',
      data: { lost: summary.belief.eventsLost, events: summary.events },
      title: 'What can be believed: shown in the Overview',
      on: { click: open },
    },
    el('span', { class: 'host' }, summary.host),
    el(
      'span',
      { class: 'when' },
      `${formatDay(summary.startUnixNs)} ${formatClock(summary.startUnixNs, 0, 0)}, `,
      el('b', {}, formatDuration(summary.durationNs)),
    ),
    el('span', { class: 'events' }, el('b', {}, formatShortCount(summary.events)), ' events'),
    el('span', { class: loud ? 'loud' : 'good' }, icon(loud ? 'warning' : 'check'), ` ${text}`),
    overhead,
  );
}

interface Overhead {
  readonly share: number;
  /** What was measured, which a trace of an older collector or kernel has less of. */
  readonly of: string;
}

const measures = { bpf_ns: 'the probes', collector_cpu_ns: 'the collector' } as const;

/** schema.sql, meta.overhead: `bpf_ns` and `collector_cpu_ns`, both CPU time on the whole host while recording. */
export function overheadOf(overhead: unknown, summary: TraceSummary): Overhead | undefined {
  if (typeof overhead !== 'object' || overhead === null) return undefined;
  const given = overhead as Record<string, unknown>;
  const known = Object.entries(measures).flatMap(([key, name]) => {
    const timeNs = given[key];
    return typeof timeNs === 'number' ? [{ name, timeNs }] : [];
  });
  const capacityNs = summary.durationNs * summary.cpus;
  if (known.length === 0 || capacityNs <= 0) return undefined;
  return {
    share: known.reduce((sum, { timeNs }) => sum + timeNs, 0) / capacityNs,
    of: known.map(({ name }) => name).join(' and '),
  };
}
