// Flame graphs: where the time of CUDA calls went by call stack, and where threads left the CPU. A click zooms; search
// says the share of everything that matches.

import type { FlameTree } from '../../extension/trace/api.ts';
import { CallError } from '../base/client.ts';
import { type Meaning, meaningOfCategory } from '../base/colours.ts';
import { el, replace } from '../base/dom.ts';
import { formatCount, formatDuration, formatShare } from '../base/format.ts';
import type { ViewState } from '../protocol.ts';
import type { App, View } from '../shell/app.ts';
import { emptyState } from '../shell/failure.ts';
import type { KeyCommand } from '../shell/keys.ts';
import { Brush } from '../timeline/brush.ts';
import { type Choice, type Controls, flameControls } from './controls.ts';
import { BOX_HEIGHT, drawFlame, meaningsOf } from './draw.ts';
import { type Box, boxAt, boxesOf, childrenOf, pathTo, search } from './layout.ts';
import { fillFlameList, weightText } from './tree.ts';

export class FlameView implements View {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #controls: Controls;
  readonly #canvas = el('canvas', { class: 'flame-canvas', tabIndex: 0, role: 'img' });
  readonly #content = el('div', { class: 'flame-content' }, this.#canvas);
  readonly #scroller = el('div', { class: 'flame-scroller' }, this.#content);
  readonly #empty = el('div', {});
  readonly #line = el('div', { class: 'flame-line quiet', role: 'status' });
  readonly #list = el('ul', { class: 'unseen', aria: { label: 'What the zoomed box holds' } });
  readonly #brush = new Brush(this.#canvas);
  #choice: Choice = { kind: 'cuda', weight: 'time', thread: undefined, scope: 'capture' };
  #stop = new AbortController();
  #tree: FlameTree | undefined;
  /** Of the tree that is drawn; the choice may be ahead of it. */
  #kind: Choice['kind'] = 'cuda';
  #children: readonly (readonly number[])[] = [];
  #meanings: readonly Meaning[] = [];
  #boxes: readonly Box[] = [];
  #root = 0;
  #hovered: Box | undefined;
  #frame = 0;

  constructor(app: App) {
    this.#app = app;
    this.#controls = flameControls(
      app.data.summary.threads,
      change => this.#choose(change),
      () => this.#redraw(),
    );
    this.element = el(
      'div',
      { class: 'flame' },
      this.#controls.element,
      this.#line,
      this.#empty,
      this.#scroller,
      this.#list,
    );
    this.#listen();
    this.#controls.set(this.#choice, app.store.state.selection.window !== undefined);
    void this.#load();
  }

  shown(): void {
    this.#redraw();
  }

  themed(): void {
    this.#redraw();
  }

  changed(state: ViewState, before: ViewState): void {
    const { window } = state.selection;
    if (window === before.selection.window) return;
    if (window === undefined && this.#choice.scope === 'selection') this.#choose({ scope: 'capture' });
    else if (this.#choice.scope === 'selection') void this.#load();
    this.#controls.set(this.#choice, window !== undefined);
  }

  command(command: KeyCommand): boolean {
    switch (command) {
      case 'search':
        this.#controls.input.focus();
        return true;
      case 'fitAll':
        this.#zoom(0);
        return true;
      case 'escape':
        if (this.#root === 0) return false;
        this.#zoom(this.#tree?.parent[this.#root] ?? 0);
        return true;
      case 'scrollUp':
      case 'scrollDown':
        this.#scroller.scrollTop += (command === 'scrollUp' ? -3 : 3) * BOX_HEIGHT;
        return true;
      default:
        return false;
    }
  }

  #choose(change: Partial<Choice>): void {
    this.#choice = { ...this.#choice, ...change };
    this.#controls.set(this.#choice, this.#app.store.state.selection.window !== undefined);
    if (change.weight !== undefined) this.#redraw();
    else void this.#load();
  }

  async #load(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { kind, thread, scope } = this.#choice;
    const { window } = this.#app.store.state.selection;
    const { data, client } = this.#app;
    try {
      const [tree, stats] = await Promise.all([
        client.call(
          'flame',
          {
            kind,
            ...(thread === undefined ? {} : { thread }),
            ...(scope === 'selection' && window !== undefined ? { window } : {}),
          },
          this.#stop.signal,
        ),
        data.stats(),
      ]);
      const categories = new Map(stats.functions.map(one => [one.function, meaningOfCategory(one.category)]));
      this.#tree = tree;
      this.#kind = kind;
      this.#children = childrenOf(tree);
      this.#meanings = meaningsOf(tree, name => categories.get(name) ?? 'call');
      this.#root = 0;
      this.#empty.replaceChildren(...((tree.count[0] ?? 0) > 0 ? [] : [emptyOf(kind)]));
    } catch (error) {
      if (error instanceof CallError && error.reason === 'cancelled') return;
      this.#tree = undefined;
      replace(this.#empty, emptyState(error instanceof Error ? error.message : String(error)));
    }
    this.#redraw();
  }

  #zoom(node: number): void {
    this.#root = node;
    this.#hovered = undefined;
    this.#redraw();
    if (this.#tree !== undefined) this.#app.announce(`Zoomed to ${this.#tree.name[node] ?? ''}`);
  }

  #redraw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = 0;
    const tree = this.#tree;
    const width = this.#scroller.clientWidth;
    const height = this.#scroller.clientHeight;
    this.#scroller.hidden = tree === undefined || (tree.count[0] ?? 0) === 0;
    if (tree === undefined) return;
    if (this.#scroller.hidden) this.#tell(tree);
    if (this.#scroller.hidden || width === 0) return;
    const { weight } = this.#choice;
    this.#boxes = boxesOf(tree, this.#children, weight, this.#root, width);
    const deepest = this.#boxes.reduce((most, box) => Math.max(most, box.depth), 0);
    this.#content.style.height = `${(deepest + 1) * BOX_HEIGHT + 8}px`;
    this.#canvas.style.height = `${height}px`;
    const text = this.#controls.input.value.trim();
    const result = text === '' ? undefined : search(tree, weight, text);
    drawFlame(
      this.#brush,
      tree,
      this.#boxes,
      this.#meanings,
      result?.found,
      this.#hovered,
      this.#app.theme(),
      {
        width,
        height,
        scrollTop: this.#scroller.scrollTop,
      },
    );
    this.#controls.found.textContent =
      result === undefined
        ? ''
        : `${formatCount(result.found.size)} boxes, ${weightText(result.value, weight)}, ${formatShare(result.share)}`;
    this.#controls.found.dataset['share'] = String(result?.share ?? '');
    this.#tell(tree);
  }

  #tell(tree: FlameTree): void {
    const { weight } = this.#choice;
    const box = this.#hovered;
    const weights = weight === 'time' ? tree.timeNs : tree.count;
    const all = weights[0] ?? 0;
    const name =
      box === undefined
        ? pathTo(tree, this.#root)
            .map(node => tree.name[node] ?? '')
            .join(' › ')
        : box.node === undefined
          ? `${formatCount(box.merged)} boxes too narrow to draw`
          : (tree.name[box.node] ?? '');
    const value = box === undefined ? (weights[this.#root] ?? 0) : box.value;
    const count = box?.node === undefined ? undefined : tree.count[box.node];
    const parts = [
      weightText(value, weight),
      formatShare(value / Math.max(1, all)),
      ...(count === undefined || weight === 'count' ? [] : [`${formatCount(count)} events`]),
      ...(box === undefined && this.#root === 0
        ? [`${formatShare(tree.withStack)} of the events carried a stack`]
        : []),
    ];
    replace(this.#line, el('b', {}, name), ` ${parts.join(' · ')}`);
    this.element.dataset['totalNs'] = String(tree.timeNs[0] ?? 0);
    this.element.dataset['count'] = String(tree.count[0] ?? 0);
    this.element.dataset['kind'] = this.#kind;
    this.#canvas.setAttribute(
      'aria-label',
      `Flame graph, ${name}, ${parts.join(', ')}. The list after it says what it holds.`,
    );
    fillFlameList(this.#list, tree, this.#children, this.#root, weight, node => this.#zoom(node));
  }

  #listen(): void {
    const at = (event: MouseEvent): Box | undefined =>
      boxAt(this.#boxes, event.offsetX, Math.floor((event.offsetY + this.#scroller.scrollTop) / BOX_HEIGHT));
    this.#canvas.addEventListener('pointermove', event => {
      const box = at(event);
      if (box === this.#hovered) return;
      this.#hovered = box;
      this.#canvas.classList.toggle('over', box !== undefined);
      this.#redraw();
    });
    this.#canvas.addEventListener('pointerleave', () => {
      this.#hovered = undefined;
      this.#redraw();
    });
    this.#canvas.addEventListener('click', event => {
      const box = at(event);
      if (box !== undefined) this.#zoom(box.node ?? box.parent);
    });
    this.#controls.input.addEventListener('keydown', event => {
      if (event.code !== 'Escape') return;
      this.#controls.input.value = '';
      this.#canvas.focus();
      this.#redraw();
    });
    this.#scroller.addEventListener('scroll', () => this.#redraw());
    new ResizeObserver(() => this.#redraw()).observe(this.#scroller);
  }
}

const emptyOf = (kind: Choice['kind']): HTMLElement =>
  kind === 'cuda'
    ? emptyState(
        'No CUDA call was recorded here.',
        'Choose another thread or the whole capture, or see Off the CPU.',
      )
    : emptyState(
        'No thread was off the CPU here for longer than the threshold.',
        `Shorter waits than that are not recorded (${formatDuration(50_000)} by default).`,
      );
