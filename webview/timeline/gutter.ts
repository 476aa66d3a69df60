// The names at the left of the rows: real elements, so that they can be read out, focused, clicked and copied.

import { el, icon } from '../base/dom.ts';
import type { Row } from './rows.ts';

/** A line of words is higher than the lowest rows: it stands out by as much above as below. */
const LINE_PX = 17;

export function gutterRows(
  rows: readonly Row[],
  marked: { readonly thread: number | undefined; readonly search: string },
  does: { toggle(group: string): void; choose(thread: number): void },
): HTMLElement[] {
  return rows.map(row => {
    const height = Math.max(row.height, LINE_PX);
    const place = { top: `${row.y - (height - row.height) / 2}px`, height: `${height}px` };
    if (row.kind === 'header') {
      const button = el(
        'button',
        {
          class: 'group',
          style: place,
          data: { group: row.group },
          aria: { expanded: String(row.open) },
          on: { click: () => does.toggle(row.group) },
        },
        icon(row.open ? 'chevron-down' : 'chevron-right'),
        el('span', { class: 'label' }, row.label),
        el('span', { class: 'quiet' }, ` ${row.note}`),
      );
      return button;
    }
    const { thread } = row.track;
    const found = marked.search !== '' && row.label.toLowerCase().includes(marked.search);
    const selected = thread !== undefined && thread.id === marked.thread;
    return el(
      'div',
      {
        class: `row-name${selected ? ' selected' : ''}${found ? ' found' : ''}`,
        style: place,
        data: { track: row.track.id, count: row.track.events },
        ...(thread === undefined
          ? {}
          : { title: `${thread.name} ${thread.tid}, ${thread.process} ${thread.pid}` }),
        on: { click: () => (thread === undefined ? undefined : does.choose(thread.id)) },
      },
      el('span', { class: 'label' }, row.label),
      el('span', { class: 'quiet' }, row.note),
    );
  });
}
