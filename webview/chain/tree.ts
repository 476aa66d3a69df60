// The tree of one example: a tree grid whose rows carry time, share and their own strip on the interval's time axis.
// Arrows walk and open it as any tree; Enter goes to the timeline. The selected row is the shared selection.

import type { CauseNode } from '../../extension/trace/api.ts';
import type { Span } from '../../extension/trace/time.ts';
import { meaningOfState, stateName } from '../base/colours.ts';
import { el, icon } from '../base/dom.ts';
import { formatClock, formatDuration, formatShare } from '../base/format.ts';
import { sentenceNodes } from '../base/sentence.ts';
import {
  type ChainRow,
  chainRows,
  clockFits,
  edgeName,
  openAtFirst,
  rowWords,
  stripTicks,
  visibleRows,
} from './layout.ts';
import { spanOf } from './show.ts';

const INDENT_PX = 17;

/** A mark over nearly all of a strip says nothing. */
const WHOLE = 97;

interface Options {
  readonly root: CauseNode;
  readonly names: ReadonlySet<string>;
  readonly startUnixNs: string;
  chosen(row: ChainRow): void;
  toTimeline(row: ChainRow): void;
}

export class CauseTree {
  readonly element: HTMLElement;
  readonly rows: readonly ChainRow[];
  readonly #options: Options;
  readonly #body = el('div', { role: 'rowgroup' });
  readonly #axis = el('span', { role: 'columnheader', class: 'strip-axis' });
  readonly #open: Set<string>;
  #selected = '0';
  #mark: Span | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.rows = chainRows(options.root);
    this.#open = new Set(openAtFirst(this.rows));
    this.element = el(
      'div',
      {
        class: 'tree',
        role: 'treegrid',
        aria: { label: 'How the delay came about, step by step' },
        on: { keydown: event => this.#key(event as KeyboardEvent) },
      },
      this.#head(),
      this.#body,
    );
    this.#draw();
  }

  get selected(): ChainRow | undefined {
    return this.rows.find(row => row.key === this.#selected);
  }

  /** Shows that row as the selected one; tells nobody. */
  select(key: string): void {
    this.#selected = key;
    for (
      let row = this.selected;
      row?.parent !== undefined;
      row = this.rows.find(({ key: at }) => at === row?.parent)
    ) {
      this.#open.add(row.parent);
    }
    this.#draw();
  }

  /** The stretch selected elsewhere, marked over all strips. */
  mark(span: Span | undefined): void {
    this.#mark = span;
    this.#draw();
  }

  #head(): HTMLElement {
    const { root, startUnixNs } = this.#options;
    const span = spanOf(root);
    // Offsets from the delay's own start read better here than round times of the capture.
    const length = root.durationNs;
    const ticks = el('span', {});
    const clock = el('span', { class: 'strip-tick first' }, formatClock(startUnixNs, span.startNs, 3));
    new ResizeObserver(([entry]) => {
      clock.hidden = !clockFits(entry?.contentRect.width ?? 0);
      ticks.replaceChildren(
        ...stripTicks(length, entry?.contentRect.width ?? 0).map(tick =>
          el('span', { class: 'strip-tick', style: { left: `${(tick.atNs / length) * 100}%` } }, tick.label),
        ),
      );
    }).observe(this.#axis);
    this.#axis.setAttribute(
      'aria-label',
      `${formatClock(startUnixNs, span.startNs, 6)}, for ${formatDuration(length)}`,
    );
    this.#axis.append(clock, ticks);
    return el(
      'div',
      { class: 'tree-head', role: 'row' },
      el('span', { role: 'columnheader' }, 'step'),
      el('span', { role: 'columnheader', class: 'number' }, 'time'),
      el('span', { role: 'columnheader', class: 'number' }, 'share'),
      this.#axis,
    );
  }

  #draw(): void {
    const hadFocus = this.#body.contains(document.activeElement);
    this.#body.replaceChildren(...visibleRows(this.rows, this.#open).map(row => this.#row(row)));
    if (hadFocus) this.#focus();
  }

  #focus(): void {
    this.#body.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
  }

  #row(row: ChainRow): HTMLElement {
    const { names } = this.#options;
    const { node } = row;
    const selected = row.key === this.#selected;
    const name = edgeName(node.edge);
    const element = el(
      'div',
      {
        class: 'tree-row',
        role: 'row',
        tabIndex: selected ? 0 : -1,
        aria: {
          level: String(row.level),
          posinset: String(row.position),
          setsize: String(row.siblings),
          selected: String(selected),
        },
        data: {
          key: row.key,
          edge: node.edge,
          startNs: row.span.startNs,
          durationNs: row.span.endNs - row.span.startNs,
          timeNs: row.timeNs,
          ...(node.thread === undefined ? {} : { thread: node.thread.id }),
        },
        on: {
          click: () => this.#choose(row),
          dblclick: () => this.#options.toTimeline(row),
        },
      },
      el(
        'span',
        { class: 'step', role: 'gridcell', style: { 'padding-left': `${(row.level - 1) * INDENT_PX}px` } },
        row.hasChildren ? this.#twistie(row) : el('span', { class: 'twistie' }),
        name === undefined ? undefined : el('span', { class: 'plate' }, name),
        el('span', { class: 'label', title: node.label }, ...sentenceNodes(rowWords(row), names)),
      ),
      el('span', { class: 'number', role: 'gridcell' }, formatDuration(row.timeNs)),
      el('span', { class: 'number quiet', role: 'gridcell' }, formatShare(row.share)),
      this.#strip(row),
    );
    if (row.hasChildren) element.setAttribute('aria-expanded', String(this.#open.has(row.key)));
    return element;
  }

  #twistie(row: ChainRow): HTMLElement {
    const twistie = icon(this.#open.has(row.key) ? 'chevron-down' : 'chevron-right');
    twistie.classList.add('twistie');
    twistie.addEventListener('click', event => {
      event.stopPropagation();
      this.#toggle(row);
    });
    return twistie;
  }

  #strip(row: ChainRow): HTMLElement {
    const { root } = this.#options;
    const part = (atNs: number): number => ((atNs - root.startNs) / Math.max(1, root.durationNs)) * 100;
    const words = [...new Set(row.pieces.map(piece => stateName(piece.state)))].join(', ');
    return el(
      'span',
      { class: 'strip', role: 'gridcell', aria: { label: words } },
      this.#marked(part),
      ...row.pieces.map(piece =>
        el('span', {
          class: `paint m-${meaningOfState(piece.state)}`,
          title: `${stateName(piece.state)} ${formatDuration(piece.endNs - piece.startNs)}`,
          style: { left: `${part(piece.startNs)}%`, width: `${part(piece.endNs) - part(piece.startNs)}%` },
        }),
      ),
    );
  }

  #marked(part: (atNs: number) => number): HTMLElement | undefined {
    const mark = this.#mark;
    if (mark === undefined) return undefined;
    const from = Math.max(0, part(mark.startNs));
    const to = Math.min(100, part(mark.endNs));
    if (to <= from || to - from > WHOLE) return undefined;
    return el('span', { class: 'strip-mark', style: { left: `${from}%`, width: `${to - from}%` } });
  }

  #choose(row: ChainRow): void {
    this.#selected = row.key;
    this.#draw();
    this.#focus();
    this.#options.chosen(row);
  }

  #toggle(row: ChainRow): void {
    if (!this.#open.delete(row.key)) this.#open.add(row.key);
    this.#draw();
  }

  #key(event: KeyboardEvent): void {
    const shown = visibleRows(this.rows, this.#open);
    const at = shown.findIndex(row => row.key === this.#selected);
    const row = shown[at];
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const open = this.#open.has(row.key);
    const go = (to: ChainRow | undefined): void => {
      if (to !== undefined) this.#choose(to);
    };
    switch (event.code) {
      case 'ArrowDown':
        go(shown[at + 1]);
        break;
      case 'ArrowUp':
        go(shown[at - 1]);
        break;
      case 'Home':
        go(shown[0]);
        break;
      case 'End':
        go(shown.at(-1));
        break;
      case 'ArrowRight':
        if (row.hasChildren && !open) this.#toggle(row);
        else if (row.hasChildren) go(shown[at + 1]);
        break;
      case 'ArrowLeft':
        if (row.hasChildren && open) this.#toggle(row);
        else go(shown.find(({ key }) => key === row.parent));
        break;
      case 'Enter':
        this.#options.toTimeline(row);
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}
