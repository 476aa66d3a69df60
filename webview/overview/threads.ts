// Time off the CPU, by thread and reason; and the longest stretches in which no launch was under way.

import type { LaunchGaps, ThreadStats } from '../../extension/trace/api.ts';
import { el, link } from '../base/dom.ts';
import { formatDuration, formatOffset, formatShare } from '../base/format.ts';
import type { App } from '../shell/app.ts';
import { bar } from './bar.ts';
import { rankThreads, threadBar } from './layout.ts';

const MOST_THREADS = 12;
const MOST_GAPS = 5;

export function threadsSection(app: App, threads: readonly ThreadStats[]): HTMLElement {
  const ranked = rankThreads(threads, MOST_THREADS);
  const bars = ranked.map(thread => ({ thread, bar: threadBar(thread.offCpu) }));
  const longest = Math.max(1, ...bars.map(({ bar: { totalNs } }) => totalNs));
  const seen = new Map(bars.flatMap(({ bar: { pieces } }) => pieces).map(piece => [piece.name, piece]));
  const names = el(
    'ul',
    { class: 'legend' },
    ...[...seen.values()].map(piece =>
      el(
        'li',
        {},
        el('span', { class: `swatch paint m-${piece.meaning}`, aria: { hidden: 'true' } }),
        piece.name,
      ),
    ),
  );
  return el(
    'section',
    {},
    el('h2', {}, 'Off the CPU, by thread'),
    bars.length === 0
      ? el('p', { class: 'quiet' }, 'No thread was seen off the CPU for longer than the threshold.')
      : names,
    el(
      'table',
      { class: 'numbers threads' },
      el(
        'tbody',
        {},
        ...bars.map(({ thread, bar: { pieces, totalNs } }) =>
          el(
            'tr',
            { data: { thread: thread.thread.id, totalNs } },
            el(
              'th',
              { class: 'text', title: `${thread.thread.process}, pid ${thread.thread.pid}` },
              link(thread.thread.name, () => {
                app.store.select({ thread: thread.thread.id });
                app.store.update({ tab: 'timeline' });
              }),
              el('span', { class: 'quiet' }, ` ${thread.thread.tid}`),
            ),
            el('td', { class: 'text bar-cell' }, bar(pieces, 'small', totalNs / longest)),
            el('td', {}, formatDuration(totalNs)),
          ),
        ),
      ),
    ),
    threads.length > ranked.length
      ? el(
          'p',
          { class: 'quiet' },
          `${ranked.length} of ${threads.length} threads, those that call CUDA first.`,
        )
      : undefined,
  );
}

export function gapsSection(app: App, gaps: readonly LaunchGaps[]): HTMLElement | undefined {
  const shown = gaps.filter(({ longest }) => longest.length > 0);
  if (shown.length === 0) return undefined;
  return el(
    'section',
    {},
    el('h2', {}, 'No launch under way'),
    el('p', { class: 'quiet' }, 'The nearest thing to an idle GPU that the host alone can see.'),
    el(
      'table',
      { class: 'numbers gaps' },
      el(
        'tbody',
        {},
        ...shown.map(gap =>
          el(
            'tr',
            { data: { process: gap.processId, share: gap.share } },
            el('th', { class: 'text' }, gap.process),
            el('td', {}, formatShare(gap.share)),
            el(
              'td',
              { class: 'text' },
              'longest ',
              ...gap.longest.slice(0, MOST_GAPS).flatMap((span, index) => [
                index > 0 ? document.createTextNode(' · ') : undefined,
                link(
                  formatDuration(span.endNs - span.startNs),
                  () => {
                    app.store.update({
                      tab: 'timeline',
                      visible: undefined,
                      selection: { ...app.store.state.selection, window: span, row: undefined },
                    });
                  },
                  { startNs: span.startNs, endNs: span.endNs },
                ),
                el('span', { class: 'quiet' }, ` at ${formatOffset(span.startNs)}`),
              ]),
            ),
          ),
        ),
      ),
    ),
  );
}
