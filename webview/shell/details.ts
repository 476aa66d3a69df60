// The pane under the pictures: the selected row of the database, whole. Its columns as the plural view names them, its
// stacks side by side, innermost frame first; a frame with a source file opens it in the editor.

import type { RowDetails, RowRef, StackFrame } from '../../extension/trace/api.ts';
import { CallError } from '../base/client.ts';
import { el, icon, link, replace } from '../base/dom.ts';
import { formatClock, formatCount, formatDuration, shorten } from '../base/format.ts';
import type { Span, ViewState } from '../protocol.ts';
import { fit } from '../timeline/camera.ts';
import { rangeParts } from '../timeline/range.ts';
import type { App, View } from './app.ts';
import { titleOf, waitInWords } from './row-words.ts';
import { rowKey, sameRow } from './store.ts';

const COUNT_AFTER_MS = 120;

type Column = RowDetails['columns'][number];

export class DetailsPane implements View {
  readonly element = el('section', {
    class: 'details',
    hidden: true,
    aria: { label: 'Details of the selected event' },
  });
  readonly #app: App;
  #stop = new AbortController();

  constructor(app: App) {
    this.#app = app;
    void this.#load(app.store.state.selection.row);
  }

  changed(state: ViewState, before: ViewState): void {
    const { row, window } = state.selection;
    if (!sameRow(row, before.selection.row)) void this.#load(row);
    else if (row === undefined && window !== before.selection.window) void this.#load(undefined);
  }

  /** A row whole; or, where a stretch is selected and no row, what the stretch holds. */
  async #load(row: RowRef | undefined): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const { client, store } = this.#app;
    const { window } = store.state.selection;
    this.element.hidden = row === undefined && window === undefined;
    try {
      if (row !== undefined) this.#show(await client.call('row', row, signal));
      else if (window !== undefined) await this.#range(window, signal);
      else replace(this.element);
    } catch (error) {
      if (error instanceof CallError && error.reason === 'cancelled') return;
      const text = error instanceof Error ? error.message : String(error);
      replace(this.element, el('p', { class: 'quiet' }, text));
    }
  }

  async #range(window: Span, signal: AbortSignal): Promise<void> {
    // A range being drawn out changes with every move of the pointer; the last one is counted.
    await new Promise(resolve => setTimeout(resolve, COUNT_AFTER_MS));
    if (signal.aborted) return;
    const stats = await this.#app.client.call('stats', { window }, signal);
    delete this.element.dataset['row'];
    const fitIt = (): void => {
      this.#app.store.update({ visible: fit(window, this.#app.data.summary.durationNs) });
    };
    replace(this.element, ...rangeParts(window, stats, fitIt));
  }

  #show(row: RowDetails): void {
    const { startUnixNs } = this.#app.data.summary;
    const title = titleOf(row);
    const note = waitInWords(row);
    this.element.dataset['row'] = rowKey(row.ref);
    replace(
      this.element,
      el(
        'div',
        { class: 'details-head' },
        el('h2', {}, title),
        el(
          'span',
          { class: 'quiet' },
          `${formatClock(startUnixNs, row.span.startNs, 6)} · ${rowKey(row.ref)}`,
        ),
        el(
          'span',
          { class: 'links' },
          link('Fit (F)', () =>
            this.#app.store.update({ visible: fit(row.span, this.#app.data.summary.durationNs) }),
          ),
          link('Copy', () => this.#app.send({ type: 'copy', text: rowAsText(row) })),
        ),
        el(
          'button',
          {
            class: 'icon-button',
            aria: { label: 'Close the details' },
            on: { click: () => this.#app.store.select({ row: undefined }) },
          },
          icon('close'),
        ),
      ),
      note === '' ? undefined : el('p', { class: 'quiet' }, note),
      el(
        'div',
        { class: 'details-body' },
        el('dl', { class: 'columns' }, ...row.columns.filter(worthShowing).flatMap(columnParts)),
        ...row.stacks.map(stack => this.#stack(stack.name, stack.frames)),
      ),
    );
    this.#app.announce(title);
  }

  #stack(name: string, frames: readonly StackFrame[]): HTMLElement {
    return el(
      'div',
      { class: 'stack' },
      el('h3', {}, name),
      el(
        'ol',
        {},
        ...frames.map(frame => el('li', { class: `frame frame-${frame.kind}` }, ...this.#frame(frame))),
      ),
    );
  }

  #frame(frame: StackFrame): (Node | string | undefined)[] {
    const { file, line, module } = frame;
    const where = file ?? (frame.kind === 'kernel' ? '[kernel]' : module);
    const end = where?.split('/').at(-1);
    return [
      el('span', { class: 'function', title: frame.function }, shorten(frame.function, 90)),
      file === undefined
        ? el(
            'span',
            { class: 'quiet', ...(module === undefined ? {} : { title: module }) },
            end === undefined ? '' : ` ${end}`,
          )
        : el(
            'span',
            { title: file },
            ' ',
            link(line === undefined ? (end ?? file) : `${end}:${line}`, () =>
              this.#app.send({ type: 'openSource', file, line }),
            ),
          ),
    ];
  }
}

const worthShowing = (column: Column): boolean =>
  column.value !== undefined &&
  column.value !== null &&
  !(column.name === 'began_before' && column.value === 0) &&
  !/^(id|.*_id|thread|process|start_ns)$/.test(column.name);

function columnParts({ name, value }: Column): HTMLElement[] {
  return [
    el('dt', {}, name.replace(/_ns$/, '').replaceAll('_', ' ')),
    el('dd', { data: { column: name, value: String(value) } }, valueText(name, value)),
  ];
}

function valueText(name: string, value: Column['value']): string {
  if (typeof value !== 'number') return String(value ?? '');
  if (name.endsWith('_ns')) return formatDuration(value);
  if (name.endsWith('address') || name === 'stream' || name === 'object') return `0x${value.toString(16)}`;
  if (name === 'bytes') return formatCount(value);
  return String(value);
}

const rowAsText = (row: RowDetails): string =>
  [
    titleOf(row),
    ...row.columns
      .filter(column => column.value !== undefined)
      .map(column => `${column.name}\t${column.value}`),
    ...row.stacks.flatMap(stack => ['', stack.name, ...stack.frames.map(frame => `\t${frame.function}`)]),
  ].join('\n');
