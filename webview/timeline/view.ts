// The timeline: rows by process and thread and by CPU, over one time axis. What is drawn is always the last answer
// under the present transform; a better one is asked for meanwhile (buffer.ts).

import type { RowRef, Track } from '../../extension/trace/api.ts';
import { ns, type Span } from '../../extension/trace/time.ts';
import { messageOf } from '../base/client.ts';
import { el } from '../base/dom.ts';
import { formatDuration } from '../base/format.ts';
import type { ViewState } from '../protocol.ts';
import type { App, View } from '../shell/app.ts';
import { emptyState } from '../shell/failure.ts';
import type { KeyCommand } from '../shell/keys.ts';
import { sameRow } from '../shell/store.ts';
import { AXIS_HEIGHT, OverviewStrip } from './axis.ts';
import { SliceBuffer } from './buffer.ts';
import { fit, lengthOf, moved, pan, whole, zoom } from './camera.ts';
import { gutterRows } from './gutter.ts';
import { hit, type Slice, sliceAt } from './hit.ts';
import { listen } from './input.ts';
import { fillMirror, mirrorRows } from './mirror.ts';
import { neighbour } from './neighbours.ts';
import { Picture } from './picture.ts';
import { refOf, trackOf } from './refs.ts';
import { CALL_HEIGHT, groupsOf, placeRows, type Row, rowAt, type TrackRow, tracksIn } from './rows.ts';
import { SearchBox } from './search.ts';
import { spanInWords } from './ticks.ts';
import { Tooltip } from './tooltip.ts';
import { type Wake, wakeOf } from './wake.ts';

const SCROLL_PX = 60;
const MIRROR_AFTER_MS = 300;

export class TimelineView implements View {
  readonly element = el('div', { class: 'timeline' });
  readonly #app: App;
  readonly #canvas = el('canvas', { class: 'rows', tabIndex: 0, role: 'img' });
  readonly #axisCanvas = el('canvas', { class: 'axis', aria: { hidden: 'true' } });
  readonly #base = el('span', { class: 'base' });
  readonly #gutter = el('div', { class: 'gutter' });
  readonly #content = el('div', { class: 'rows-content' }, this.#gutter, this.#canvas);
  readonly #scroller = el('div', { class: 'rows-scroller' }, this.#content);
  readonly #mirror = el('table', { class: 'unseen' });
  readonly #problem = el('div', { class: 'problem loud', role: 'alert', hidden: true });
  readonly #tooltip = new Tooltip();
  readonly #strip: OverviewStrip;
  readonly #picture: Picture;
  readonly #search: SearchBox;
  readonly #buffer: SliceBuffer;
  readonly #toggled = new Set<string>();
  #tracks: readonly Track[] = [];
  #rows: readonly Row[] = [];
  #frame = 0;
  #mirrorTimer: ReturnType<typeof setTimeout> | undefined;
  #wake: Wake | undefined;

  constructor(app: App) {
    this.#app = app;
    const { durationNs } = app.data.summary;
    const stripCanvas = el('canvas', { class: 'strip-canvas', aria: { hidden: 'true' } });
    this.#strip = new OverviewStrip(stripCanvas, durationNs);
    this.#picture = new Picture(this.#canvas, this.#axisCanvas, this.#base, this.#strip, app.data.summary);
    this.#search = new SearchBox(app, {
      changed: () => {
        this.#placeRows();
      },
      go: slice => this.#select(slice, true),
      done: () => this.#canvas.focus(),
    });
    this.#buffer = new SliceBuffer(
      app.client,
      durationNs,
      () => this.#redraw(),
      message => this.#failed(message),
    );
    this.element.append(
      el(
        'div',
        { class: 'axis-row' },
        el('div', { class: 'axis-name' }, `whole capture, ${formatDuration(durationNs)}`),
        stripCanvas,
      ),
      el(
        'div',
        { class: 'axis-row' },
        el('div', { class: 'axis-name' }, this.#base, this.#search.element),
        this.#axisCanvas,
      ),
      this.#scroller,
      this.#tooltip.element,
      this.#problem,
      this.#mirror,
    );
    this.#listen(stripCanvas);
    void this.#load();
  }

  get #visible(): Span {
    const { visible, selection } = this.#app.store.state;
    const { durationNs } = this.#app.data.summary;
    if (visible !== undefined) return visible;
    return selection.window === undefined ? whole(durationNs) : fit(selection.window, durationNs);
  }

  shown(): void {
    this.#showThread(this.#app.store.state.selection.thread);
    this.#redraw();
  }

  themed(): void {
    this.#redraw();
  }

  changed(state: ViewState, before: ViewState): void {
    const { selection } = state;
    if (selection.thread !== before.selection.thread) this.#showThread(selection.thread);
    if (!sameRow(selection.row, before.selection.row)) void this.#askWake(selection.row);
    this.#redraw();
  }

  command(command: KeyCommand): boolean {
    const { data, store } = this.#app;
    const there = moved(command, this.#visible, store.state.selection.window, data.summary.durationNs);
    if (there !== undefined) {
      this.#see(there);
      return true;
    }
    switch (command) {
      case 'scrollUp':
      case 'scrollDown':
        this.#scroller.scrollTop += command === 'scrollUp' ? -SCROLL_PX : SCROLL_PX;
        return true;
      case 'previous':
      case 'next':
        void this.#step(command);
        return true;
      case 'search':
        this.#search.open();
        return true;
      case 'escape':
        return this.#search.close();
      default:
        return false;
    }
  }

  async #load(): Promise<void> {
    const { data, client } = this.#app;
    const { durationNs } = data.summary;
    try {
      this.#tracks = await data.tracks();
    } catch (error) {
      this.element.replaceChildren(emptyState(error instanceof Error ? error.message : String(error)));
      return;
    }
    if (this.#tracks.length === 0) {
      this.element.replaceChildren(
        emptyState(
          'This capture holds no events.',
          'Overview says which probes were attached and what they saw.',
        ),
      );
      return;
    }
    this.#placeRows();
    this.#showThread(this.#app.store.state.selection.thread);
    void this.#askWake(this.#app.store.state.selection.row);
    const calls = this.#tracks.filter(track => track.kind === 'cuda').map(track => track.id);
    const resolutionNs = Math.max(1, durationNs / 1024);
    const settle = [
      client.call('slices', { tracks: calls, window: whole(durationNs), resolutionNs }).then(answer => {
        this.#strip.answer = answer;
      }),
      data.causes().then(causes => {
        this.#strip.causes = causes;
      }),
    ];
    // The strip is a help: without it the rows still stand.
    for (const done of settle)
      done.then(
        () => this.#redraw(),
        () => undefined,
      );
  }

  #placeRows(): void {
    const { rows, height } = placeRows(groupsOf(this.#tracks, this.#app.data.summary), this.#toggled);
    this.#rows = rows;
    this.#content.style.height = `${height}px`;
    const { selection } = this.#app.store.state;
    this.#gutter.replaceChildren(
      ...gutterRows(
        rows,
        { thread: selection.thread, search: this.#search.text },
        {
          toggle: group => {
            if (!this.#toggled.delete(group)) this.#toggled.add(group);
            this.#placeRows();
          },
          choose: thread => this.#app.store.select({ thread }),
        },
      ),
    );
    this.#redraw();
  }

  /** Opens the thread's group when it is closed, and scrolls to it. */
  #showThread(thread: number | undefined): void {
    if (this.#tracks.length === 0) return;
    if (thread !== undefined) {
      const group = groupsOf(this.#tracks, this.#app.data.summary).find(({ tracks }) =>
        tracks.some(track => track.thread?.id === thread),
      );
      if (group !== undefined && group.openAtFirst === this.#toggled.has(group.key)) {
        if (group.openAtFirst) this.#toggled.delete(group.key);
        else this.#toggled.add(group.key);
      }
    }
    this.#placeRows();
    const row = this.#rows.find(one => one.kind === 'track' && one.track.thread?.id === thread);
    if (thread === undefined || row === undefined) return;
    const { scrollTop, clientHeight } = this.#scroller;
    if (row.y < scrollTop || row.y + row.height > scrollTop + clientHeight) {
      this.#scroller.scrollTop = Math.max(0, row.y - clientHeight / 3);
    }
  }

  #see(visible: Span): void {
    this.#app.store.update({ visible });
  }

  #redraw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = 0;
    const width = this.#canvas.clientWidth;
    const height = this.#scroller.clientHeight;
    if (width === 0 || height === 0) return;
    const visible = this.#visible;
    const { scrollTop } = this.#scroller;
    const tracks = tracksIn(this.#rows, scrollTop, height);
    this.#buffer.want(visible, width, tracks);

    const { selection } = this.#app.store.state;
    this.#picture.draw({
      theme: this.#app.theme(),
      rows: this.#rows,
      buffer: this.#buffer,
      visible,
      scrollTop,
      width,
      height,
      search: this.#search.text,
      selection,
      wake: this.#wake,
    });
    this.#tell(visible);
  }

  /** For tests and for people who hear the page: what is in sight, as attributes and as a table. */
  #tell(visible: Span): void {
    this.element.dataset['startNs'] = String(visible.startNs);
    this.element.dataset['endNs'] = String(visible.endNs);
    this.element.dataset['settled'] = String(this.#buffer.settled);
    clearTimeout(this.#mirrorTimer);
    this.#mirrorTimer = setTimeout(() => {
      this.#canvas.setAttribute(
        'aria-label',
        `Timeline, ${spanInWords(visible)}. The table after it lists the events.`,
      );
      fillMirror(this.#mirror, mirrorRows(this.#rows, this.#buffer, visible), visible);
    }, MIRROR_AFTER_MS);
  }

  #sliceAt(x: number, y: number): { readonly slice: Slice; readonly row: TrackRow } | undefined {
    const at = y + this.#scroller.scrollTop;
    const row = rowAt(this.#rows, at);
    if (row?.kind !== 'track') return undefined;
    const columns = this.#buffer.columns(row.track.id);
    if (columns === undefined) return undefined;
    const visible = this.#visible;
    const perPixel = lengthOf(visible) / Math.max(1, this.#canvas.clientWidth);
    const depth = row.track.kind === 'cuda' ? Math.floor((at - row.y) / (CALL_HEIGHT + 1)) : 0;
    const index = hit(columns, visible.startNs + x * perPixel, depth, perPixel * 2);
    if (index === undefined) return undefined;
    return { slice: sliceAt(columns, index, this.#buffer.palette, this.#buffer.labels), row };
  }

  #select(slice: Slice, move: boolean): void {
    const track = this.#tracks.find(({ id }) => id === slice.track);
    if (track === undefined) return;
    const { store, data } = this.#app;
    const thread = track.kind === 'cpu' ? slice.id : track.thread?.id;
    const inSight = slice.span.endNs > this.#visible.startNs && slice.span.startNs < this.#visible.endNs;
    const far = move && (!inSight || lengthOf(slice.span) > lengthOf(this.#visible));
    store.update({
      ...(far
        ? {
            visible: pan(
              this.#visible,
              middleOf(slice.span) - middleOf(this.#visible),
              data.summary.durationNs,
            ),
          }
        : {}),
      selection: { ...store.state.selection, window: slice.span, thread, row: refOf(track, slice) },
    });
  }

  async #step(direction: 'previous' | 'next'): Promise<void> {
    const { selection } = this.#app.store.state;
    const { client, data } = this.#app;
    const shown = this.#rows.find((row): row is TrackRow => row.kind === 'track');
    const track = trackOf(this.#tracks, selection.row, selection.thread) ?? shown?.track;
    if (track === undefined) return;
    const from = selection.window ?? { startNs: ns(this.#visible.startNs - 1), endNs: this.#visible.startNs };
    const found = await neighbour(client, track.id, from, direction, data.summary.durationNs);
    if (found !== undefined) this.#select(found, true);
    else this.#app.announce(`No ${direction} event on this row.`);
  }

  /** Says it on the page and to people who hear it. */
  #failed(message: string): void {
    this.#problem.textContent = message;
    this.#problem.hidden = false;
    this.#app.announce(message);
  }

  async #askWake(row: RowRef | undefined): Promise<void> {
    this.#wake = undefined;
    if (row?.table !== 'off_cpu') return this.#redraw();
    const details = await this.#app.client.call('row', row).catch((error: unknown) => {
      this.#failed(`What ended this wait could not be read: ${messageOf(error)}`);
      return undefined;
    });
    if (details === undefined || !sameRow(row, this.#app.store.state.selection.row)) return;
    this.#wake = wakeOf(details, this.#app.data.summary.threads);
    this.#redraw();
  }

  #listen(stripCanvas: HTMLCanvasElement): void {
    const { durationNs } = this.#app.data.summary;
    const perPixel = (): number => lengthOf(this.#visible) / Math.max(1, this.#canvas.clientWidth);
    const at = (x: number): number => this.#visible.startNs + x * perPixel();
    listen(this.#canvas, {
      pan: pixels => this.#see(pan(this.#visible, -pixels * perPixel(), durationNs)),
      scroll: pixels => {
        this.#scroller.scrollTop += pixels;
      },
      zoom: (factor, x) => this.#see(zoom(this.#visible, factor, at(x), durationNs)),
      range: (from, to) => {
        const inside = (x: number) => ns(Math.min(durationNs, Math.max(0, Math.round(at(x)))));
        const window = { startNs: inside(Math.min(from, to)), endNs: inside(Math.max(from, to)) };
        this.#app.store.select({ window, row: undefined });
      },
      click: (x, y) => {
        const found = this.#sliceAt(x, y);
        if (found === undefined) this.#app.store.select({ row: undefined, window: undefined });
        else this.#select(found.slice, false);
      },
      doubleClick: (x, y) => {
        const found = this.#sliceAt(x, y);
        if (found !== undefined) this.#see(fit(found.slice.span, durationNs));
      },
      hover: (x, y) => {
        const found = this.#sliceAt(x, y);
        this.#canvas.classList.toggle('over', found !== undefined);
        if (found === undefined) return this.#tooltip.hide();
        const room = this.element.getBoundingClientRect();
        const own = this.#canvas.getBoundingClientRect();
        const { track } = found.row;
        const who =
          track.thread === undefined ? `CPU ${track.cpu}` : `${track.thread.name} ${track.thread.tid}`;
        this.#tooltip.show(found.slice, who, own.left - room.left + x, own.top - room.top + y);
      },
      leave: () => this.#tooltip.hide(),
    });
    const centre = (event: PointerEvent): void => {
      if (event.buttons !== 1) return;
      const span = this.#strip.centred(event.offsetX, stripCanvas.clientWidth, this.#visible);
      this.#see(pan(span, 0, durationNs));
    };
    stripCanvas.addEventListener('pointerdown', centre);
    stripCanvas.addEventListener('pointermove', centre);
    this.#scroller.addEventListener('scroll', () => {
      this.#tooltip.hide();
      this.#redraw();
    });
    new ResizeObserver(() => this.#redraw()).observe(this.#scroller);
    this.#axisCanvas.style.height = `${AXIS_HEIGHT}px`;
  }
}

const middleOf = (span: Span): number => (span.startNs + span.endNs) / 2;
