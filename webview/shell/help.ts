// The list of keys that `?` opens.

import { el } from '../base/dom.ts';
import { KEY_LIST } from './keys.ts';

export function helpDialog(): HTMLDialogElement {
  const dialog = el('dialog', { class: 'help', aria: { label: 'Keys' } });
  const close = el('button', { class: 'link', on: { click: () => dialog.close() } }, 'Close');
  dialog.append(
    el('h2', {}, 'Keys'),
    el('dl', {}, ...KEY_LIST.flatMap(([keys, does]) => [el('dt', {}, keys), el('dd', {}, does)])),
    close,
  );
  return dialog;
}
