// The answer first: one sentence and one bar, where the slow time went. Below it causes as sentences, then numbers,
// then threads, then how far all this can be believed. Who reads two lines has the point.

import type { CausesResult } from '../../extension/trace/api.ts';
import { el } from '../base/dom.ts';
import { namesIn, sentenceNodes } from '../base/sentence.ts';
import type { App, View } from '../shell/app.ts';
import { emptyState } from '../shell/failure.ts';
import { bar, legend } from './bar.ts';
import { beliefSection, captureSection } from './capture.ts';
import { causesSection } from './causes.ts';
import { claimsSection } from './claims.ts';
import { functionsSection } from './functions.ts';
import { statePieces } from './layout.ts';
import { gapsSection, threadsSection } from './threads.ts';

export class OverviewView implements View {
  readonly element: HTMLElement;
  readonly #app: App;

  constructor(app: App) {
    this.#app = app;
    const answer = el('div', { class: 'answer' }, el('p', { class: 'quiet' }, 'Explaining the delays …'));
    const claimed = el('div', {});
    const numbers = el('div', {}, el('p', { class: 'quiet' }, 'Counting …'));
    this.element = el(
      'div',
      { class: 'overview' },
      answer,
      claimed,
      numbers,
      captureSection(app.data.summary),
      beliefSection(app.data.summary),
    );
    void fill(
      answer,
      app.data.causes().then(result => this.#answer(result)),
    );
    if (app.data.summary.imported !== undefined) {
      void fill(
        claimed,
        app.data.claims().then(result => [claimsSection(app, result)]),
      );
    }
    void fill(
      numbers,
      app.data
        .stats()
        .then(stats => [
          gapsSection(app, stats.gaps),
          functionsSection(stats.functions),
          threadsSection(app, stats.threads),
        ]),
    );
  }

  #answer(result: CausesResult): readonly (HTMLElement | undefined)[] {
    const pieces = statePieces(result.byState);
    return [
      el(
        'h1',
        {
          class: 'headline',
          data: {
            slowCalls: result.delays.slowCalls,
            slowGaps: result.delays.slowGaps,
            totalNs: result.delays.totalNs,
          },
        },
        ...sentenceNodes(result.headline, namesIn(result.causes)),
      ),
      pieces.length === 0 ? undefined : bar(pieces, 'large'),
      pieces.length === 0 ? undefined : legend(pieces),
      causesSection(this.#app, result),
    ];
  }
}

/** A part that failed says so in its own place; the others stand. */
async function fill(place: HTMLElement, parts: Promise<readonly (HTMLElement | undefined)[]>): Promise<void> {
  try {
    place.replaceChildren(...(await parts).filter(part => part !== undefined));
  } catch (error) {
    place.replaceChildren(emptyState(error instanceof Error ? error.message : String(error)));
  }
}
