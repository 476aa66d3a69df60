// A bar of pieces, and its legend: every piece named with its share, so that the bar is never needed to read it.

import { el } from '../base/dom.ts';
import { formatDuration, formatShare } from '../base/format.ts';
import type { Piece } from './layout.ts';

/** `scale`: how much of the full width the bar takes, 0 to 1. */
export function bar(pieces: readonly Piece[], kind: 'large' | 'small', scale = 1): HTMLElement {
  const words = pieces.map(piece => `${piece.name} ${formatDuration(piece.timeNs)}`).join(', ');
  return el(
    'div',
    { class: `bar bar-${kind}`, role: 'img', aria: { label: words } },
    ...pieces.map(piece =>
      el('span', {
        class: `paint m-${piece.meaning}`,
        title: `${piece.name}: ${formatDuration(piece.timeNs)}, ${formatShare(piece.share)}`,
        style: { width: `${piece.share * scale * 100}%` },
        data: { meaning: piece.meaning, timeNs: piece.timeNs },
      }),
    ),
  );
}

/** Slivers are in the bar's own words, and not in the legend: they would outnumber what matters. */
const NAMED_FROM = 0.005;

export const legend = (pieces: readonly Piece[]): HTMLElement =>
  el(
    'ul',
    { class: 'legend' },
    ...pieces
      .filter(({ share }) => share >= NAMED_FROM)
      .map(piece =>
        el(
          'li',
          {},
          el('span', { class: `swatch paint m-${piece.meaning}`, aria: { hidden: 'true' } }),
          `${piece.name} ${formatShare(piece.share)}`,
        ),
      ),
  );
