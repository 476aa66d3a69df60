// What another tool said of the trace that it recorded, and what its own rows say to that: the figure is the share of the
// calls it blames that their own thread was off the CPU. What cannot be checked is there too, folded away.

import type { Claim, ClaimsResult } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { el, link } from '../base/dom.ts';
import { formatCount, formatShare } from '../base/format.ts';
import type { App } from '../shell/app.ts';
import { fit } from '../timeline/camera.ts';

/** Others are behind "more". */
const MOST = 3;
/** The calls of a claim began in this time before it (trace/query/reread.ts). */
const BACK_NS = 10e9;

export function claimsSection(app: App, result: ClaimsResult): HTMLElement | undefined {
  const { tool, headline, claims, total, folded } = result;
  if (tool === undefined) return undefined;
  const first = claims.filter(isRead).slice(0, MOST);
  const rest = claims.filter(claim => !first.includes(claim));
  const unlisted = folded - claims.length;
  return el(
    'section',
    { class: 'claims', data: { total, folded } },
    el('h2', {}, `What ${tool} said, read again`),
    el('p', { class: 'claims-said' }, headline ?? `${tool} gives no causes in this file.`),
    ...first.map(claim => card(app, claim)),
    rest.length === 0
      ? undefined
      : el(
          'details',
          {},
          el('summary', {}, more(rest)),
          ...rest.map(claim => card(app, claim)),
          unlisted > 0
            ? el('p', { class: 'quiet' }, `${formatCount(unlisted)} more are not listed.`)
            : undefined,
        ),
  );
}

const isRead = ({ reading }: Claim): boolean => reading.verdict === 'read' && reading.blamed > 0;

function more(rest: readonly Claim[]): string {
  const count = rest.reduce((sum, claim) => sum + claim.count, 0);
  const unread = rest.filter(claim => !isRead(claim)).length;
  const cannot = unread === rest.length ? ' that cannot be checked from this file' : '';
  return `${formatCount(count)} more${cannot}`;
}

function card(app: App, claim: Claim): HTMLElement {
  const { reading, severity, summary, node, count, sentence, kind } = claim;
  const read = reading.verdict === 'read' && reading.blamed > 0 ? reading : undefined;
  // Where no switch of the thread is recorded, 0 % would say more than the file knows.
  const watched = read !== undefined && read.unwatchedNs < read.blamedNs ? read : undefined;
  const times = count === 1 ? 'once' : `${formatCount(count)} times`;
  const where = node === undefined || node === '' ? '' : ` on ${node}`;
  return el(
    'article',
    { class: 'card', data: { claim: kind, count, verdict: reading.verdict, share: read?.share ?? -1 } },
    el(
      'div',
      { class: 'card-share' },
      el('span', { class: 'figure' }, watched === undefined ? '?' : formatShare(watched.share)),
      el('span', { class: 'quiet' }, watched === undefined ? 'not in the file' : 'off the CPU'),
    ),
    el(
      'div',
      { class: 'card-text' },
      el('p', { class: 'quiet' }, `${severity.toLowerCase()}, ${times}${where}: “${summary}”`),
      el('p', {}, sentence),
      el(
        'p',
        { class: 'links' },
        link('Timeline', () => show(app, claim), { action: 'timeline' }),
      ),
    ),
  );
}

/** The 10 s before the claim, and the first call that it blames. */
function show(app: App, { firstNs, reading }: Claim): void {
  const window = { startNs: ns(Math.max(0, firstNs - BACK_NS)), endNs: firstNs };
  const row = reading.verdict === 'read' ? reading.rows[0] : undefined;
  app.store.update({
    tab: 'timeline',
    visible: fit(window, app.data.summary.durationNs),
    selection: { window, thread: undefined, row, cause: undefined },
  });
}
