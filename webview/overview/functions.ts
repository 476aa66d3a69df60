// CUDA functions: how often, how long, and how the lengths lie.

import type { FunctionStats } from '../../extension/trace/api.ts';
import { meaningOfCategory } from '../base/colours.ts';
import { el, link } from '../base/dom.ts';
import { formatCount, formatDuration } from '../base/format.ts';
import { bins } from './layout.ts';

/** The first bin of a histogram ends here; each next is twice as long (api.ts: FunctionStats.histogram). */
const FIRST_BIN_END_NS = 1000;

const COLUMNS = ['calls', 'p50', 'p95', 'p99', 'max', 'total'] as const;

export function functionsSection(functions: readonly FunctionStats[]): HTMLElement {
  const sorted = [...functions].sort((a, b) => b.totalNs - a.totalNs);
  const runtime = sorted.some(({ library }) => library === 'runtime');
  const inner = sorted.filter(({ library }) => runtime && library === 'driver');
  const outer = sorted.filter(stats => !inner.includes(stats));
  const longest = sorted.reduce((most, { histogram }) => Math.max(most, lastFilled(histogram) + 1), 0);
  return el(
    'section',
    {},
    el('h2', {}, 'CUDA calls'),
    sorted.length === 0
      ? el(
          'p',
          { class: 'quiet' },
          'No CUDA call was recorded. Either the targets made none, or their libraries were not probed: see the probes below.',
        )
      : el(
          'table',
          { class: 'numbers functions' },
          el(
            'thead',
            {},
            el(
              'tr',
              {},
              el('th', { class: 'text' }, 'function'),
              ...COLUMNS.map(name => el('th', {}, name)),
              el(
                'th',
                { class: 'text' },
                `latency, under 1 us to ${formatDuration(FIRST_BIN_END_NS * 2 ** (longest - 1))}`,
              ),
            ),
          ),
          el('tbody', {}, ...outer.map(stats => functionRow(stats, longest))),
          inner.length === 0 ? undefined : folded(inner, longest),
        ),
  );
}

/** Driver functions mostly run inside the runtime's: a second line for each, there when asked for. */
function folded(inner: readonly FunctionStats[], longest: number): HTMLElement {
  const rows = inner.map(stats => functionRow(stats, longest));
  const show = (open: boolean): void => {
    for (const row of rows) row.hidden = !open;
    toggle.setAttribute('aria-expanded', String(open));
  };
  const toggle = link(`${inner.length} driver functions`, () =>
    show(toggle.getAttribute('aria-expanded') !== 'true'),
  );
  show(false);
  return el('tbody', {}, el('tr', {}, el('td', { class: 'text' }, toggle)), ...rows);
}

function functionRow(stats: FunctionStats, binCount: number): HTMLElement {
  const cells = [stats.count, stats.p50Ns, stats.p95Ns, stats.p99Ns, stats.maxNs, stats.totalNs] as const;
  const aside = [
    stats.open > 0 ? `${stats.open} had not returned` : '',
    stats.failed > 0 ? `${formatCount(stats.failed)} failed` : '',
  ].filter(text => text !== '');
  return el(
    'tr',
    {
      data: {
        function: stats.function,
        count: stats.count,
        maxNs: stats.maxNs,
        p99Ns: stats.p99Ns,
        totalNs: stats.totalNs,
      },
    },
    el(
      'th',
      { class: 'text' },
      el('code', {}, stats.function),
      stats.library === 'runtime' ? undefined : el('span', { class: 'quiet' }, ` ${stats.library}`),
      aside.length === 0 ? undefined : el('span', { class: 'loud' }, ` ${aside.join(', ')}`),
    ),
    ...cells.map((value, index) =>
      el('td', {}, index === 0 ? formatCount(value) : stats.count === 0 ? '–' : formatDuration(value)),
    ),
    el('td', { class: 'text' }, histogram(stats, binCount)),
  );
}

function histogram(stats: FunctionStats, binCount: number): HTMLElement {
  const shown = bins(stats.histogram, FIRST_BIN_END_NS).slice(0, binCount);
  const words = shown
    .filter(({ count }) => count > 0)
    .map(bin => `${formatCount(bin.count)} under ${formatDuration(bin.toNs)}`)
    .join(', ');
  return el(
    'div',
    { class: 'histogram', role: 'img', aria: { label: words } },
    ...shown.map(bin =>
      el(
        'span',
        {
          class: 'bin',
          title: `${formatDuration(bin.fromNs)} to ${formatDuration(bin.toNs)}: ${formatCount(bin.count)} calls`,
        },
        el('span', {
          class: `paint m-${bin.slow ? 'lock' : meaningOfCategory(stats.category)}`,
          style: { height: `${bin.height * 100}%` },
        }),
      ),
    ),
  );
}

const lastFilled = (histogram: readonly number[]): number => histogram.findLastIndex(count => count > 0);
