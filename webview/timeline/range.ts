// What a selected stretch holds: calls by function and waits by reason, with count, sum and percentiles.

import type { ReasonStats, TraceStats } from '../../extension/trace/api.ts';
import type { Ns, Span } from '../../extension/trace/time.ts';
import { meaningOfReason } from '../base/colours.ts';
import { el, link } from '../base/dom.ts';
import { formatCount, formatDuration, formatOffset } from '../base/format.ts';

interface RangeSum {
  /** Outermost ones: a driver call inside a runtime call is part of it. */
  readonly calls: number;
  readonly reasons: readonly ReasonStats[];
}

/** Over all threads; one reason a line, longest first. */
export function sumOf(stats: TraceStats): RangeSum {
  const reasons = new Map<string, ReasonStats>();
  for (const { offCpu } of stats.threads) {
    for (const one of offCpu) {
      const sum = reasons.get(one.reason);
      reasons.set(one.reason, {
        reason: one.reason,
        count: (sum?.count ?? 0) + one.count,
        blockedNs: ((sum?.blockedNs ?? 0) + one.blockedNs) as Ns,
        runnableNs: ((sum?.runnableNs ?? 0) + one.runnableNs) as Ns,
      });
    }
  }
  const time = (one: ReasonStats): number => one.blockedNs + one.runnableNs;
  return {
    calls: stats.threads.reduce((sum, { cudaCalls }) => sum + cudaCalls, 0),
    reasons: [...reasons.values()].sort((a, b) => time(b) - time(a)),
  };
}

const numbers = (...values: readonly string[]): HTMLElement[] => values.map(value => el('td', {}, value));

export function rangeParts(span: Span, stats: TraceStats, fit: () => void): HTMLElement[] {
  const sum = sumOf(stats);
  const functions = [...stats.functions].sort((a, b) => b.totalNs - a.totalNs).slice(0, 8);
  return [
    el(
      'div',
      { class: 'details-head', data: { calls: sum.calls } },
      el('h2', {}, `${formatDuration(span.endNs - span.startNs)} selected`),
      el(
        'span',
        { class: 'quiet' },
        `from ${formatOffset(span.startNs)} · ${formatCount(sum.calls)} CUDA calls began in it`,
      ),
      el('span', { class: 'links' }, link('Fit (F)', fit)),
    ),
    el(
      'div',
      { class: 'details-body' },
      el(
        'table',
        { class: 'numbers compact' },
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            el('th', { class: 'text' }, 'function'),
            ...['calls', 'sum', 'p50', 'p95', 'p99', 'max'].map(name => el('th', {}, name)),
          ),
        ),
        el(
          'tbody',
          {},
          ...functions.map(one =>
            el(
              'tr',
              { data: { function: one.function, count: one.count } },
              el('td', { class: 'text' }, el('code', {}, one.function)),
              ...numbers(
                formatCount(one.count),
                ...[one.totalNs, one.p50Ns, one.p95Ns, one.p99Ns, one.maxNs].map(formatDuration),
              ),
            ),
          ),
        ),
      ),
      el(
        'table',
        { class: 'numbers compact' },
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            el('th', { class: 'text' }, 'off the CPU'),
            ...['events', 'blocked', 'wanted a CPU'].map(name => el('th', {}, name)),
          ),
        ),
        el(
          'tbody',
          {},
          ...sum.reasons.map(one =>
            el(
              'tr',
              { data: { reason: one.reason, count: one.count } },
              el(
                'td',
                { class: 'text' },
                el('span', {
                  class: `swatch paint m-${meaningOfReason(one.reason)}`,
                  aria: { hidden: 'true' },
                }),
                one.reason.replaceAll('_', ' '),
              ),
              ...numbers(
                formatCount(one.count),
                formatDuration(one.blockedNs),
                formatDuration(one.runnableNs),
              ),
            ),
          ),
        ),
      ),
    ),
  ];
}
