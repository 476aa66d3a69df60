// What the pointer is on, beside the pointer.

import { el, replace } from '../base/dom.ts';
import { formatCount, formatDuration } from '../base/format.ts';
import type { Slice } from './hit.ts';

export class Tooltip {
  readonly element = el('div', { class: 'tooltip', hidden: true, aria: { hidden: 'true' } });

  show(slice: Slice, who: string, x: number, y: number): void {
    const { startNs, endNs } = slice.span;
    const length = endNs - startNs;
    const blocked = length - slice.runnableNs;
    const isWait = slice.track.startsWith('off_cpu');
    replace(
      this.element,
      el('b', {}, slice.label === '' ? slice.colour : slice.label),
      el('span', {}, `${who} · ${formatDuration(length)}`),
      isWait && slice.runnableNs > 0
        ? el(
            'span',
            {},
            `${formatDuration(blocked)} blocked, then ${formatDuration(slice.runnableNs)} waiting for a CPU`,
          )
        : undefined,
      slice.count > 1
        ? el(
            'span',
            { class: 'quiet' },
            `the longest of ${formatCount(slice.count)} here: zoom in to see each`,
          )
        : undefined,
    );
    this.element.hidden = false;
    const room = this.element.parentElement?.getBoundingClientRect();
    const width = this.element.offsetWidth;
    const height = this.element.offsetHeight;
    const left = Math.min(x + 14, (room?.width ?? x) - width - 4);
    const top = y + 18 + height > (room?.height ?? y) ? y - height - 8 : y + 18;
    this.element.style.setProperty('transform', `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`);
  }

  hide(): void {
    this.element.hidden = true;
  }
}
