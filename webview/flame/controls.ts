// What the flame graph is of: calls or waits, weighed by time or count, of all threads or one, of the whole capture or
// the selected stretch.

import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import type { FlameKind, ThreadInfo } from '../../extension/trace/api.ts';
import { el } from '../base/dom.ts';
import { formatCount } from '../base/format.ts';
import type { Weight } from './layout.ts';

export interface Choice {
  readonly kind: FlameKind;
  readonly weight: Weight;
  readonly thread: number | undefined;
  readonly scope: 'capture' | 'selection';
}

export interface Controls {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  readonly found: HTMLElement;
  /** Shows that choice. */
  set(choice: Choice, hasSelection: boolean): void;
}

type Group<V extends string> = readonly (readonly [V, string])[];

const KINDS: Group<FlameKind> = [
  ['cuda', 'CUDA latency'],
  ['off_cpu', 'Off the CPU'],
];
const WEIGHTS: Group<Weight> = [
  ['time', 'Time'],
  ['count', 'Count'],
];
const SCOPES: Group<Choice['scope']> = [
  ['capture', 'Whole capture'],
  ['selection', 'Selection'],
];

export function flameControls(
  threads: readonly ThreadInfo[],
  changed: (change: Partial<Choice>) => void,
  searched: () => void,
): Controls {
  const kind = segments('What', KINDS, value => changed({ kind: value }));
  const weight = segments('Weight', WEIGHTS, value => changed({ weight: value }));
  const scope = segments('Stretch', SCOPES, value => changed({ scope: value }));
  const select = threadSelect(threads, thread => changed({ thread }));
  const input = el('input', {
    class: 'field',
    aria: { label: 'Search functions and frames' },
    on: { input: searched },
  });
  input.type = 'search';
  input.placeholder = 'Search  /';
  const found = el('span', { class: 'quiet found', role: 'status' });
  return {
    element: el(
      'div',
      { class: 'controls' },
      kind.element,
      weight.element,
      scope.element,
      select.element,
      input,
      found,
    ),
    input,
    found,
    set(choice, hasSelection) {
      kind.set(choice.kind);
      weight.set(choice.weight);
      scope.set(choice.scope);
      scope.enable('selection', hasSelection);
      select.set(choice.thread);
    },
  };
}

function segments<V extends string>(name: string, values: Group<V>, choose: (value: V) => void) {
  const buttons = values.map(([value, label]) =>
    el('button', { class: 'segment', data: { value }, on: { click: () => choose(value) } }, label),
  );
  return {
    element: el('div', { class: 'segments', role: 'group', aria: { label: name } }, ...buttons),
    set(value: V): void {
      for (const button of buttons)
        button.setAttribute('aria-pressed', String(button.dataset['value'] === value));
    },
    enable(value: V, enabled: boolean): void {
      for (const button of buttons) if (button.dataset['value'] === value) button.disabled = !enabled;
    },
  };
}

/** The kit shows no words for an empty value. */
const ALL = 'all';

function threadSelect(threads: readonly ThreadInfo[], choose: (thread: number | undefined) => void) {
  const select = document.createElement('vscode-single-select');
  select.setAttribute('aria-label', 'Thread');
  select.combobox = threads.length > 12;
  const option = (value: string, text: string): HTMLElement => {
    const element = document.createElement('vscode-option');
    element.setAttribute('value', value);
    element.textContent = text;
    return element;
  };
  const ranked = [...threads]
    .filter(thread => thread.cudaCalls > 0 || thread.offCpuEvents > 0)
    .sort((a, b) => b.cudaCalls - a.cudaCalls || b.offCpuEvents - a.offCpuEvents);
  select.append(
    option(ALL, 'All threads'),
    ...ranked.map(thread =>
      option(String(thread.id), `${thread.name} ${thread.tid} (${formatCount(thread.cudaCalls)} calls)`),
    ),
  );
  select.addEventListener('change', () => choose(select.value === ALL ? undefined : Number(select.value)));
  return {
    element: select,
    set(thread: number | undefined): void {
      const value = thread === undefined ? ALL : String(thread);
      if (select.value !== value) select.value = value;
    },
  };
}
