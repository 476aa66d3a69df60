// The rows of the database that a step stands on: each can be opened whole.

import type { RowDetails, RowRef } from '../../extension/trace/api.ts';
import { CallError } from '../base/client.ts';
import { el, link } from '../base/dom.ts';
import { formatClock, formatDuration } from '../base/format.ts';
import type { App } from '../shell/app.ts';
import { titleOf } from '../shell/details.ts';
import { rowKey } from '../shell/store.ts';

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

  #row(row: RowDetails): HTMLElement {
    const { summary } = this.#app.data;
    return el(
      'tr',
      { data: { row: rowKey(row.ref) } },
      el(
        'td',
        { class: 'text' },
        link(rowKey(row.ref), () =>
          this.#app.store.select({ row: row.ref, window: row.span, thread: row.thread?.id }),
        ),
      ),
      el('td', { class: 'text' }, titleOf(row)),
      el('td', {}, formatClock(summary.startUnixNs, row.span.startNs, 6)),
      el('td', {}, formatDuration(row.span.endNs - row.span.startNs)),
      el('td', { class: 'text' }, byWhom(row)),
    );
  }
}

/** Who ended a wait, or who had the CPU meanwhile, as the row itself says. */
function byWhom(row: RowDetails): string {
  const value = (name: string): string | undefined => {
    const found = row.columns.find(column => column.name === name)?.value;
    return found === undefined || found === null ? undefined : String(found);
  };
  const waker = value('waker_thread');
  const interrupt = value('interrupt');
  const next = value('next_process');
  const call = value('waker_syscall');
  if (interrupt !== undefined) return `woken by an interrupt: ${interrupt}`;
  if (waker !== undefined) return `woken by ${waker}${call === undefined ? '' : ` in ${call}`}`;
  if (next !== undefined) return `CPU ${value('cpu_before') ?? ''} ran ${next}`;
  return '';
}
