// A trace that cannot be shown: what happened and what to do, in the place of the pictures; where that is an import, a
// button that does it.

import type { TraceErrorShape } from '../../extension/trace/api.ts';
import { el, icon } from '../base/dom.ts';

export const failurePage = (file: string, error: TraceErrorShape, importIt: () => void): HTMLElement =>
  el(
    'main',
    { class: 'failure', role: 'alert', data: { reason: error.reason } },
    icon(error.reason === 'importable' ? 'arrow-circle-down' : 'warning'),
    el('h1', {}, error.message),
    error.hint === undefined ? undefined : el('p', {}, error.hint),
    error.reason === 'importable'
      ? el('button', { class: 'primary', data: { action: 'import' }, on: { click: importIt } }, 'Import')
      : undefined,
    file === '' ? undefined : el('p', { class: 'quiet' }, file),
  );

/** In the place of one picture, when its question failed or there is nothing to draw. */
export const emptyState = (sentence: string, hint?: string): HTMLElement =>
  el(
    'div',
    { class: 'empty', role: 'status' },
    el('p', {}, sentence),
    hint === undefined ? undefined : el('p', { class: 'quiet' }, hint),
  );
