// Causes: the ranked list, and for the chosen one the tree to click through, what to do about it, and the evidence of
// the selected step. A click on a step moves the timeline to that interval.

import type { Cause, CausesResult } from '../../extension/trace/api.ts';
import { el, link, replace } from '../base/dom.ts';
import { formatCount, formatDuration, formatShare } from '../base/format.ts';
import { namesIn, sentenceNodes } from '../base/sentence.ts';
import type { ViewState } from '../protocol.ts';
import type { App, View } from '../shell/app.ts';
import { emptyState } from '../shell/failure.ts';
import { sameRow } from '../shell/store.ts';
import { Evidence } from './evidence.ts';
import type { ChainRow } from './layout.ts';
import { type CauseList, causeList } from './list.ts';
import { causeAsMarkdown } from './markdown.ts';
import { showNode, showStep } from './show.ts';
import { CauseTree } from './tree.ts';

export class CausesView implements View {
  readonly element = el(
    'div',
    { class: 'causes' },
    el('p', { class: 'quiet pad' }, 'Explaining the delays …'),
  );
  readonly #app: App;
  readonly #chosen = el('div', { class: 'chosen' });
  readonly #evidence: Evidence;
  #result: CausesResult | undefined;
  #list: CauseList | undefined;
  #cause: Cause | undefined;
  #tree: CauseTree | undefined;

  constructor(app: App) {
    this.#app = app;
    this.#evidence = new Evidence(app);
    void this.#load();
  }

  changed(state: ViewState, before: ViewState): void {
    const { selection } = state;
    if (selection === before.selection) return;
    if (selection.cause !== before.selection.cause && selection.cause !== this.#cause?.id)
      this.#fromSelection(state);
    else this.#followRow(state);
    this.#tree?.mark(selection.window);
  }

  async #load(): Promise<void> {
    try {
      this.#result = await this.#app.data.causes();
    } catch (error) {
      return replace(this.element, emptyState(error instanceof Error ? error.message : String(error)));
    }
    const [first] = this.#result.causes;
    if (first === undefined) {
      return replace(
        this.element,
        emptyState(
          this.#result.headline,
          'No call and no gap between calls was out of line, so there is nothing to explain. The Flame tab shows where the time of ordinary calls went.',
        ),
      );
    }
    this.#list = causeList(this.#result, cause => this.#choose(cause));
    replace(this.element, this.#list.element, this.#chosen);
    this.#fromSelection(this.#app.store.state);
    this.#tree?.mark(this.#app.store.state.selection.window);
  }

  /** The cause that is selected, or the first of the list, without moving anything else. */
  #fromSelection(state: ViewState): void {
    const causes = this.#result?.causes ?? [];
    const cause = causes.find(({ id }) => id === state.selection.cause) ?? this.#listed()[0];
    if (cause !== undefined) this.#show(cause, 0);
    this.#followRow(state);
  }

  #listed(): readonly Cause[] {
    const causes = this.#result?.causes ?? [];
    const trouble = causes.filter(({ kind }) => kind === 'cause' || kind === 'lead');
    return trouble.length > 0 ? trouble : causes;
  }

  /** A row selected elsewhere that a step of this tree stands on is that step. */
  #followRow({ selection }: ViewState): void {
    const tree = this.#tree;
    if (tree === undefined || selection.row === undefined) return;
    const here = tree.selected?.rows.some(ref => sameRow(ref, selection.row)) ?? false;
    const found = here ? undefined : tree.rows.find(row => row.rows.some(ref => sameRow(ref, selection.row)));
    if (found === undefined) return;
    tree.select(found.key);
    void this.#evidence.show(found.rows);
  }

  #choose(cause: Cause): void {
    this.#show(cause, 0);
    const [worst] = cause.examples;
    if (worst === undefined) this.#app.store.select({ cause: cause.id });
    else showNode(this.#app, cause, worst);
  }

  #show(cause: Cause, example: number): void {
    this.#cause = cause;
    this.#list?.mark(cause.id);
    const names = namesIn([cause]);
    const root = cause.examples[example];
    this.#tree =
      root === undefined
        ? undefined
        : new CauseTree({
            root,
            names,
            startUnixNs: this.#app.data.summary.startUnixNs,
            chosen: row => this.#step(cause, row),
            toTimeline: row => showStep(this.#app, cause, row, 'timeline'),
          });
    this.#chosen.dataset['cause'] = cause.id;
    replace(
      this.#chosen,
      el('h1', {}, ...sentenceNodes(cause.sentence, names)),
      this.#facts(cause, example),
      this.#tree?.element,
      this.#remedy(cause),
      this.#evidence.element,
    );
    void this.#evidence.show(root?.rows ?? []);
  }

  #step(cause: Cause, row: ChainRow): void {
    void this.#evidence.show(row.rows);
    showStep(this.#app, cause, row);
  }

  #facts(cause: Cause, example: number): HTMLElement {
    const { value, loweredBy } = cause.confidence;
    const why = loweredBy.length === 0 ? 'every link was seen at both ends' : loweredBy.join(', ');
    return el(
      'p',
      { class: 'quiet facts-line' },
      `${formatCount(cause.count)} ×, ${formatDuration(cause.timeNs)} in all · ${formatShare(cause.explained)} explained · ` +
        `confidence ${value.toFixed(2)}: ${why}`,
      cause.examples.length > 1 ? ' · worst shown: ' : undefined,
      ...(cause.examples.length > 1
        ? cause.examples.map((root, index) => {
            const chip = link(formatDuration(root.durationNs), () => {
              this.#show(cause, index);
              showNode(this.#app, cause, root);
            });
            chip.classList.add('example');
            chip.setAttribute('aria-pressed', String(index === example));
            return chip;
          })
        : []),
    );
  }

  #remedy(cause: Cause): HTMLElement {
    return el(
      'div',
      { class: 'remedy' },
      cause.remedy === undefined ? undefined : el('p', {}, el('b', {}, 'What to do. '), cause.remedy),
      el(
        'p',
        { class: 'links' },
        link(
          'Show in timeline',
          () => {
            const step = this.#tree?.selected;
            if (step !== undefined) showStep(this.#app, cause, step, 'timeline');
          },
          { action: 'timeline' },
        ),
        link('Copy as Markdown', () => this.#app.send({ type: 'copy', text: causeAsMarkdown(cause) })),
      ),
    );
  }
}
