// Causes and leads as sentences, each with its share of the lost time and what its worst example was made of; then,
// in one quiet line, what is not trouble.

import type { Cause, CausesResult } from '../../extension/trace/api.ts';
import { meaningName } from '../base/colours.ts';
import { noTroubles, troubles } from '../base/data.ts';
import { el, link } from '../base/dom.ts';
import { formatCount, formatDuration, formatShare } from '../base/format.ts';
import { namesIn, sentenceNodes } from '../base/sentence.ts';
import { showCause } from '../chain/show.ts';
import type { App } from '../shell/app.ts';
import { emptyState } from '../shell/failure.ts';
import { bar } from './bar.ts';
import { leafStates, quietGroups, statePieces } from './layout.ts';

/** More stand in the Causes tab. */
const MOST = 3;

export function causesSection(app: App, result: CausesResult): HTMLElement {
  const names = namesIn(result.causes);
  const listed = troubles(result);
  const more = listed.length - MOST;
  return el(
    'section',
    {},
    el('h2', {}, 'Causes'),
    listed.length === 0
      ? emptyState(
          'Nothing was seen holding the threads that call CUDA.',
          result.delays.slowCalls + result.delays.slowGaps > 0
            ? 'What the slow ones waited for is not in this trace.'
            : app.data.summary.imported === undefined
              ? 'No call and no gap between calls was out of line.'
              : 'No call was out of line; gaps between calls are not known.',
        )
      : undefined,
    ...listed.slice(0, MOST).map(cause => card(app, cause, names, result.delays.totalNs)),
    more > 0 ? link(`${more} more in Causes`, () => app.store.update({ tab: 'causes' })) : undefined,
    notTrouble(app, result),
  );
}

function card(app: App, cause: Cause, names: ReadonlySet<string>, slowNs: number): HTMLElement {
  const [worst] = cause.examples;
  const share = slowNs > 0 ? cause.timeNs / slowNs : cause.share;
  const count = cause.count === 1 ? 'once' : `${formatCount(cause.count)} times`;
  return el(
    'article',
    {
      class: `card card-${cause.kind}`,
      data: { cause: cause.id, count: cause.count, timeNs: cause.timeNs, kind: cause.kind },
    },
    el(
      'div',
      { class: 'card-share' },
      el('span', { class: 'figure' }, formatShare(share)),
      el('span', { class: 'quiet' }, cause.kind === 'lead' ? 'lead' : 'of the slow time'),
    ),
    el(
      'div',
      { class: 'card-text' },
      el('p', { class: 'card-sentence' }, ...sentenceNodes(cause.sentence, names)),
      el(
        'p',
        { class: 'quiet' },
        `${count}, ${formatDuration(cause.timeNs)} in all` +
          (worst === undefined ? '' : `; worst ${formatDuration(worst.durationNs)}`) +
          (cause.severity === undefined ? '' : ` · ${cause.severity}`),
      ),
      el(
        'p',
        { class: 'links' },
        link('Show the chain', () => showCause(app, cause, 'causes'), { action: 'chain' }),
        link('Timeline', () => showCause(app, cause, 'timeline'), { action: 'timeline' }),
      ),
    ),
    el(
      'div',
      { class: 'card-made' },
      worst === undefined ? undefined : bar(statePieces(leafStates(worst)), 'small'),
      el(
        'p',
        { class: 'quiet' },
        `${formatShare(cause.explained)} explained · confidence ${cause.confidence.value.toFixed(2)}`,
      ),
    ),
  );
}

/** In one line, and in another what nobody can say: that need not be no trouble. */
function notTrouble(app: App, result: CausesResult): HTMLElement | undefined {
  const groups = quietGroups(noTroubles(result));
  const unexplained = groups.filter(({ name }) => name === meaningName('unexplained'));
  const known = groups.filter(group => !unexplained.includes(group));
  if (groups.length === 0) return undefined;
  const times = ({ timeNs, count }: { readonly timeNs: number; readonly count: number }) => [
    el('b', {}, formatDuration(timeNs)),
    document.createTextNode(` (${formatCount(count)} ×)`),
  ];
  return el(
    'p',
    { class: 'not-trouble' },
    ...(known.length === 0 ? [] : ['Not trouble: ']),
    ...known.flatMap((group, index) => {
      const [time, count] = times(group);
      return [document.createTextNode(index > 0 ? ' · ' : ''), time, ` ${group.name}`, count];
    }),
    ...unexplained.flatMap(group => [
      known.length > 0 ? '. Not explained: ' : 'Not explained: ',
      ...times(group),
    ]),
    document.createTextNode('  '),
    link('See each', () => app.store.update({ tab: 'causes' })),
  );
}
