// The row of tabs: an ARIA tab list, one stop for the Tab key, arrows inside.

import { el } from '../base/dom.ts';
import type { Tab } from '../protocol.ts';

export const TABS: readonly (readonly [Tab, string])[] = [
  ['overview', 'Overview'],
  ['timeline', 'Timeline'],
  ['flame', 'Flame'],
  ['causes', 'Causes'],
];

interface Tabs {
  readonly element: HTMLElement;
  show(tab: Tab): void;
}

export function tabs(choose: (tab: Tab) => void): Tabs {
  const buttons = TABS.map(([tab, name]) =>
    el(
      'button',
      {
        class: 'tab',
        role: 'tab',
        id: `tab-${tab}`,
        data: { tab },
        aria: { controls: `panel-${tab}` },
        on: { click: () => choose(tab) },
      },
      name,
    ),
  );
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.code];
    if (by === undefined) return;
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const next = (at + by + TABS.length) % TABS.length;
    const tab = TABS[next]?.[0];
    if (at < 0 || tab === undefined) return;
    event.preventDefault();
    choose(tab);
    buttons[next]?.focus();
  };
  return {
    element: el(
      'div',
      {
        class: 'tabs',
        role: 'tablist',
        aria: { label: 'Views of the trace' },
        on: { keydown: event => step(event as KeyboardEvent) },
      },
      ...buttons,
    ),
    show(tab) {
      for (const button of buttons) {
        const selected = button.dataset['tab'] === tab;
        button.setAttribute('aria-selected', String(selected));
        button.tabIndex = selected ? 0 : -1;
      }
    },
  };
}
