// Elements in one expression. Text goes in as text nodes only, cleaned of control characters: names in a trace come
// from a stranger, and nothing here can turn them into markup.

import { plain } from './format.ts';

type Child = Node | string | undefined;

interface Properties {
  readonly class?: string;
  readonly title?: string;
  readonly role?: string;
  readonly tabIndex?: number;
  readonly hidden?: boolean;
  readonly id?: string;
  readonly data?: Readonly<Record<string, string | number>>;
  readonly aria?: Readonly<Record<string, string>>;
  readonly style?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties,
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (properties.class !== undefined) element.className = properties.class;
  if (properties.title !== undefined) element.title = plain(properties.title);
  if (properties.role !== undefined) element.setAttribute('role', properties.role);
  if (properties.tabIndex !== undefined) element.tabIndex = properties.tabIndex;
  if (properties.hidden !== undefined) element.hidden = properties.hidden;
  if (properties.id !== undefined) element.id = properties.id;
  for (const [key, value] of Object.entries(properties.data ?? {})) element.dataset[key] = String(value);
  for (const [key, value] of Object.entries(properties.aria ?? {})) {
    element.setAttribute(`aria-${key}`, plain(value));
  }
  // Through the object model, not the attribute: the page's security policy allows the first only.
  for (const [key, value] of Object.entries(properties.style ?? {})) element.style.setProperty(key, value);
  for (const [name, handler] of Object.entries(properties.on ?? {})) element.addEventListener(name, handler);
  append(element, children);
  return element;
}

export function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined) continue;
    parent.appendChild(typeof child === 'string' ? document.createTextNode(plain(child)) : child);
  }
}

export function replace(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

export const link = (text: string, run: () => void, data: Properties['data'] = {}): HTMLElement =>
  el('button', { class: 'link', data, on: { click: run } }, text);

/** An icon of the editor's own set, seen by eyes only: what it says must stand beside it as text. */
export const icon = (name: string): HTMLElement =>
  el('span', { class: `codicon codicon-${name}`, aria: { hidden: 'true' } });
