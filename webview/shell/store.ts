// What is shown and what is selected, once for all tabs: a change in one is seen by every other. Changes are plain
// values; a listener gets the new state and the one before, and looks for what concerns it.

import type { RowRef } from '../../extension/trace/api.ts';
import type { Selection, ViewState } from '../protocol.ts';

export type Listener = (state: ViewState, before: ViewState) => void;

export const NOTHING_SELECTED: Selection = {
  window: undefined,
  thread: undefined,
  row: undefined,
  cause: undefined,
};

export const FIRST_STATE: ViewState = { tab: 'overview', visible: undefined, selection: NOTHING_SELECTED };

export class Store {
  readonly #listeners = new Set<Listener>();
  #state: ViewState;

  constructor(state: ViewState = FIRST_STATE) {
    this.#state = state;
  }

  get state(): ViewState {
    return this.#state;
  }

  update(change: Partial<ViewState>): void {
    const before = this.#state;
    this.#state = { ...before, ...change };
    for (const listener of this.#listeners) listener(this.#state, before);
  }

  /** Fields left out keep their value. */
  select(change: Partial<Selection>): void {
    this.update({ selection: { ...this.#state.selection, ...change } });
  }

  subscribe(listener: Listener): void {
    this.#listeners.add(listener);
  }
}

export function sameRow(a: RowRef | undefined, b: RowRef | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return rowKey(a) === rowKey(b);
}

export const rowKey = (row: RowRef): string =>
  row.table === 'cpu_slice' ? `cpu_slice ${row.cpu}/${row.startNs}` : `${row.table} ${row.id}`;
