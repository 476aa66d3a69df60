// Which key does what, by physical position (`KeyboardEvent.code`): W A S D stay one block under the left hand on
// every layout. `/` and `?` go by the character, which other layouts keep elsewhere.

export type KeyCommand =
  | 'panLeft'
  | 'panRight'
  | 'zoomIn'
  | 'zoomOut'
  | 'scrollUp'
  | 'scrollDown'
  | 'fitSelection'
  | 'fitAll'
  | 'previous'
  | 'next'
  | 'search'
  | 'help'
  | 'escape';

export interface Key {
  readonly code: string;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

const BY_CODE: ReadonlyMap<string, KeyCommand> = new Map([
  ['KeyA', 'panLeft'],
  ['KeyD', 'panRight'],
  ['KeyW', 'zoomIn'],
  ['KeyS', 'zoomOut'],
  ['ArrowLeft', 'panLeft'],
  ['ArrowRight', 'panRight'],
  ['ArrowUp', 'scrollUp'],
  ['ArrowDown', 'scrollDown'],
  ['KeyF', 'fitSelection'],
  ['Digit0', 'fitAll'],
  ['Numpad0', 'fitAll'],
  ['BracketLeft', 'previous'],
  ['BracketRight', 'next'],
  ['Escape', 'escape'],
]);

const BY_CHARACTER: ReadonlyMap<string, KeyCommand> = new Map([
  ['/', 'search'],
  ['?', 'help'],
]);

/** Keys held with Ctrl, Alt or the command key belong to the editor. */
export function commandOf(key: Key): KeyCommand | undefined {
  if (key.ctrlKey || key.metaKey || key.altKey) return undefined;
  return BY_CHARACTER.get(key.key) ?? BY_CODE.get(key.code);
}

/** The list that `?` shows. */
export const KEY_LIST: readonly (readonly [keys: string, does: string])[] = [
  ['W  S', 'zoom in, out'],
  ['A  D   ←  →', 'move left, right'],
  ['↑  ↓', 'scroll the rows'],
  ['F', 'fit the selection'],
  ['0', 'fit everything'],
  ['[   ]', 'previous, next event of the row'],
  ['/', 'search threads and functions; Enter: next'],
  ['Esc', 'close, then clear the selection'],
  ['?', 'this list'],
  ['wheel', 'scroll; with Ctrl: zoom at the pointer; with Shift: move'],
  ['drag', 'move; with Shift: select a range'],
];
