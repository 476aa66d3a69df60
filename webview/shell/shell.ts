// The frame around the four views: tabs at the top left, belief at the top right, the details pane below, keys for
// all. A view is made when it is first shown.

import { el } from '../base/dom.ts';
import { onThemeChange, readTheme, type Theme } from '../base/theme.ts';
import { CausesView } from '../chain/view.ts';
import { FlameView } from '../flame/view.ts';
import { OverviewView } from '../overview/view.ts';
import type { Tab, ViewState } from '../protocol.ts';
import { TimelineView } from '../timeline/view.ts';
import type { App, View } from './app.ts';
import { beliefLine } from './belief.ts';
import { DetailsPane } from './details.ts';
import { helpDialog } from './help.ts';
import { commandOf, type KeyCommand } from './keys.ts';
import { NOTHING_SELECTED } from './store.ts';
import { TABS, tabs } from './tabs.ts';

const MAKE: Readonly<Record<Exclude<Tab, 'sql'>, (app: App) => View>> = {
  overview: app => new OverviewView(app),
  timeline: app => new TimelineView(app),
  flame: app => new FlameView(app),
  causes: app => new CausesView(app),
};

export class Shell {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #views = new Map<Tab, View>();
  readonly #panels: ReadonlyMap<Tab, HTMLElement>;
  readonly #details: DetailsPane;
  readonly #help = helpDialog();
  readonly #announcer = el('div', { class: 'unseen', role: 'status', aria: { live: 'polite' } });
  #theme: Theme = readTheme();

  constructor(parts: Omit<App, 'theme' | 'announce'>) {
    this.#app = {
      ...parts,
      theme: () => this.#theme,
      announce: text => {
        this.#announcer.textContent = text;
      },
    };
    const { store, data } = this.#app;
    const bar = tabs(tab => store.update({ tab }));
    this.#panels = new Map(
      TABS.map(([tab]) => [
        tab,
        el('div', {
          class: `panel panel-${tab}`,
          role: 'tabpanel',
          id: `panel-${tab}`,
          aria: { labelledby: `tab-${tab}` },
        }),
      ]),
    );
    this.#details = new DetailsPane(this.#app);
    const toBelief = (): void => {
      store.update({ tab: 'overview' });
      document.getElementById('belief')?.scrollIntoView();
    };
    this.element = el(
      'div',
      { class: 'shell' },
      el('header', { class: 'top' }, bar.element, beliefLine(data, toBelief)),
      el('main', { class: 'panels' }, ...this.#panels.values()),
      this.#details.element,
      this.#help,
      this.#announcer,
    );
    store.subscribe((state, before) => this.#changed(state, before, bar.show));
    document.addEventListener('keydown', event => this.#key(event));
    onThemeChange(() => {
      this.#theme = readTheme();
      for (const view of this.#views.values()) view.themed?.();
    });
    bar.show(store.state.tab);
  }

  /** Once the element is in the page: views measure themselves. */
  start(): void {
    this.#show(this.#app.store.state.tab);
  }

  #changed(state: ViewState, before: ViewState, showTab: (tab: Tab) => void): void {
    if (state.tab !== before.tab) {
      showTab(state.tab);
      this.#show(state.tab);
    }
    for (const view of this.#views.values()) view.changed?.(state, before);
    this.#details.changed(state, before);
  }

  #show(wanted: Tab): void {
    const tab = wanted === 'sql' ? 'overview' : wanted;
    this.element.dataset['tab'] = tab;
    for (const [name, panel] of this.#panels) panel.hidden = name !== tab;
    let view = this.#views.get(tab);
    if (view === undefined) {
      view = MAKE[tab](this.#app);
      this.#views.set(tab, view);
      this.#panels.get(tab)?.append(view.element);
    }
    view.shown?.();
  }

  #key(event: KeyboardEvent): void {
    if (event.defaultPrevented || this.#help.open || isTyping(event)) return;
    const command = commandOf(event);
    if (command === undefined) return;
    if (this.#run(command)) event.preventDefault();
  }

  #run(command: KeyCommand): boolean {
    if (command === 'help') {
      this.#help.showModal();
      return true;
    }
    const { store } = this.#app;
    if (this.#views.get(store.state.tab)?.command?.(command)) return true;
    if (command !== 'escape') return false;
    store.update({ selection: { ...NOTHING_SELECTED, cause: store.state.selection.cause } });
    return true;
  }
}

/** Letters belong to the field that has the focus; Escape comes out of it. */
function isTyping(event: KeyboardEvent): boolean {
  const [target] = event.composedPath();
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  );
}
