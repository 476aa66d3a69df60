// Search for threads and functions: what matches stands out, the rest steps back, and Enter goes to the next match.

import type { TraceStats } from '../../extension/trace/api.ts';
import { messageOf } from '../base/client.ts';
import { el } from '../base/dom.ts';
import { formatCount, formatDuration } from '../base/format.ts';
import type { App } from '../shell/app.ts';
import type { Slice } from './hit.ts';
import { nextMatch } from './match.ts';

interface Does {
  changed(): void;
  go(slice: Slice): void;
  done(): void;
}

export class SearchBox {
  readonly element = el('div', { class: 'search', hidden: true });
  readonly #app: App;
  readonly #does: Does;
  readonly #input = el('input', { class: 'field', aria: { label: 'Search threads and functions' } });
  readonly #count = el('span', { class: 'quiet', role: 'status' });

  constructor(app: App, does: Does) {
    this.#app = app;
    this.#does = does;
    this.#input.type = 'search';
    this.#input.placeholder = 'Thread or function';
    this.#input.addEventListener('input', () => void this.#typed());
    this.#input.addEventListener('keydown', event => this.#key(event));
    this.element.append(this.#input, this.#count);
  }

  /** In lower case; empty when nothing is searched. */
  get text(): string {
    return this.element.hidden ? '' : this.#input.value.trim().toLowerCase();
  }

  open(): void {
    this.element.hidden = false;
    this.#input.focus();
    this.#input.select();
    void this.#typed();
  }

  /** True when it was open. */
  close(): boolean {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    this.#does.changed();
    this.#does.done();
    return true;
  }

  #key(event: KeyboardEvent): void {
    if (event.code === 'Escape') this.close();
    else if (event.code === 'Enter') void this.#next();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  async #typed(): Promise<void> {
    this.#does.changed();
    const { text } = this;
    const stats =
      text === '' ? undefined : await this.#app.data.stats().catch((error: unknown) => messageOf(error));
    if (text !== this.text) return;
    this.#count.textContent =
      stats === undefined ? '' : typeof stats === 'string' ? stats : foundIn(stats, text);
  }

  async #next(): Promise<void> {
    const { text } = this;
    if (text === '') return;
    const slice = await nextMatch(this.#app, text).catch((error: unknown) => messageOf(error));
    if (typeof slice === 'string') this.#count.textContent = slice;
    else if (slice === undefined) this.#count.textContent = 'no further match';
    else this.#does.go(slice);
  }
}

/** What a text finds in the whole capture, in words. */
function foundIn(stats: TraceStats, text: string): string {
  const functions = stats.functions.filter(one => one.function.toLowerCase().includes(text));
  const calls = functions.reduce((sum, one) => sum + one.count + one.open, 0);
  const callsNs = functions.reduce((sum, one) => sum + one.totalNs, 0);
  const threads = stats.threads.filter(({ thread }) => thread.name.toLowerCase().includes(text)).length;
  return `${formatCount(calls)} calls, ${formatDuration(callsNs)}; ${threads} threads`;
}
