// The ranked list at the left: what is trouble, then where else the time went. An ARIA list box: arrows choose.

import type { Cause, CausesResult } from '../../extension/trace/api.ts';
import { noTroubles, troubles } from '../base/data.ts';
import { el } from '../base/dom.ts';
import { formatCount, formatDuration, formatShare } from '../base/format.ts';
import { firstSentence, namesIn, sentenceNodes } from '../base/sentence.ts';

export interface CauseList {
  readonly element: HTMLElement;
  mark(cause: string | undefined): void;
}

export function causeList(result: CausesResult, choose: (cause: Cause) => void): CauseList {
  const names = namesIn(result.causes);
  const ordered = [...troubles(result), ...noTroubles(result)];
  const items = ordered.map(cause => item(cause, names, result.delays.totalNs, choose));
  const troubleCount = troubles(result).length;
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.code];
    if (by === undefined) return;
    event.preventDefault();
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = items[at + by];
    const cause = ordered[at + by];
    if (next === undefined || cause === undefined) return;
    next.focus();
    choose(cause);
  };
  return {
    element: el(
      'div',
      {
        class: 'cause-list',
        role: 'listbox',
        aria: { label: 'Causes, by time lost' },
        on: { keydown: event => step(event as KeyboardEvent) },
      },
      ...items.slice(0, troubleCount),
      items.length > troubleCount
        ? el('h3', { role: 'presentation' }, 'Where else the time went')
        : undefined,
      ...items.slice(troubleCount),
      result.total > ordered.length
        ? el(
            'p',
            { class: 'quiet', role: 'presentation' },
            `${ordered.length} of ${formatCount(result.total)} causes.`,
          )
        : undefined,
    ),
    mark(chosen) {
      items.forEach((element, index) => {
        const selected = ordered[index]?.id === chosen;
        element.setAttribute('aria-selected', String(selected));
        element.tabIndex = selected || (chosen === undefined && index === 0) ? 0 : -1;
      });
    },
  };
}

function item(
  cause: Cause,
  names: ReadonlySet<string>,
  slowNs: number,
  choose: (cause: Cause) => void,
): HTMLElement {
  const share = slowNs > 0 ? cause.timeNs / slowNs : cause.share;
  const kind = cause.kind === 'lead' ? ' · lead' : '';
  return el(
    'div',
    {
      class: 'cause-item',
      role: 'option',
      tabIndex: -1,
      data: { cause: cause.id, count: cause.count, timeNs: cause.timeNs, kind: cause.kind },
      on: {
        click: () => choose(cause),
        keydown: event => {
          if (['Enter', 'Space'].includes((event as KeyboardEvent).code)) {
            event.preventDefault();
            choose(cause);
          }
        },
      },
    },
    el('span', { class: 'figure' }, formatShare(share)),
    el(
      'div',
      {},
      el(
        'p',
        { class: 'sentence', title: cause.sentence },
        ...sentenceNodes(firstSentence(cause.sentence), names),
      ),
      el('p', { class: 'quiet' }, `${formatCount(cause.count)} × · ${formatDuration(cause.timeNs)}${kind}`),
    ),
  );
}
