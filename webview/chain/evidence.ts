// The rows of the database that a step stands on: each can be opened whole.

import type { RowDetails, RowRef } from '../../extension/trace/api.ts';
import { CallError } from '../base/client.ts';
import { el, link } from '../base/dom.ts';
import { formatClock, formatDuration } from '../base/format.ts';
import type { App } from '../shell/app.ts';
import { endedBy, titleOf } from '../shell/row-words.ts';
import { rowKey } from '../shell/store.ts';
import { fit } from '../timeline/camera.ts';

/** More are named by their number only. */
const MOST = 12;

export class Evidence {
  readonly element = el('section', { class: 'evidence' });
  readonly #app: App;
  #stop = new AbortController();

  constructor(app: App) {
    this.#app = app;
  }

  async show(refs: readonly RowRef[]): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const asked = refs.slice(0, MOST);
    try {
      const rows = await Promise.all(asked.map(ref => this.#app.client.call('row', ref, signal)));
      this.#fill(rows, refs.length);
    } catch (error) {
      if (error instanceof CallError && error.reason === 'cancelled') return;
      this.element.replaceChildren(
        el('p', { class: 'quiet' }, error instanceof Error ? error.message : String(error)),
      );
    }
  }

  #fill(rows: readonly RowDetails[], total: number): void {
    this.element.dataset['count'] = String(total);
    this.element.replaceChildren(
      el('h2', {}, 'Evidence of the selected step'),
      rows.length === 0
        ? el(
            'p',
            { class: 'quiet' },
            'No row stands for this step alone: it is what remains between its neighbours.',
          )
        : el(
            'table',
            { class: 'numbers' },
            el(
              'thead',
              {},
              el(
                'tr',
                {},
                el('th', { class: 'text' }, 'row'),
                el('th', { class: 'text' }, 'what'),
                el('th', {}, 'start'),
                el('th', {}, 'length'),
                el('th', { class: 'text' }, 'by'),
              ),
            ),
            el('tbody', {}, ...rows.map(row => this.#row(row))),
          ),
      ...(total > rows.length ? [el('p', { class: 'quiet' }, `${rows.length} of ${total} rows.`)] : []),
    );
  }

  /** The row whole, where it happened. */
  #open(row: RowDetails): void {
    const { store, data } = this.#app;
    store.update({
      tab: 'timeline',
      visible: fit(row.span, data.summary.durationNs),
      selection: { ...store.state.selection, row: row.ref, window: row.span, thread: row.thread?.id },
    });
  }

  #row(row: RowDetails): HTMLElement {
    const { summary } = this.#app.data;
    return el(
      'tr',
      { data: { row: rowKey(row.ref) } },
      el(
        'td',
        { class: 'text' },
        link(rowKey(row.ref), () => this.#open(row)),
      ),
      el('td', { class: 'text' }, titleOf(row)),
      el('td', {}, formatClock(summary.startUnixNs, row.span.startNs, 6)),
      el('td', {}, formatDuration(row.span.endNs - row.span.startNs)),
      el('td', { class: 'text' }, endedBy(row)),
    );
  }
}
