import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandOf, type Key, type KeyCommand } from './keys.ts';

const key = (code: string, character: string, held: Partial<Key> = {}): Key => ({
  code,
  key: character,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});

const TABLE: readonly (readonly [string, Key, KeyCommand | undefined])[] = [
  ['W zooms in', key('KeyW', 'w'), 'zoomIn'],
  ['the same place on AZERTY, where it types z', key('KeyW', 'z'), 'zoomIn'],
  ['A moves left', key('KeyA', 'q'), 'panLeft'],
  ['arrow right', key('ArrowRight', 'ArrowRight'), 'panRight'],
  ['F fits the selection', key('KeyF', 'f'), 'fitSelection'],
  ['0 fits all', key('Digit0', 'à'), 'fitAll'],
  ['[', key('BracketLeft', '['), 'previous'],
  [']', key('BracketRight', ']'), 'next'],
  ['/ by its character', key('Digit7', '/'), 'search'],
  ['? by its character', key('Minus', '?'), 'help'],
  ['Esc', key('Escape', 'Escape'), 'escape'],
  ["Ctrl+F is the editor's", key('KeyF', 'f', { ctrlKey: true }), undefined],
  ["Cmd+W is the editor's", key('KeyW', 'w', { metaKey: true }), undefined],
  ['a letter without a meaning', key('KeyQ', 'a'), undefined],
];

for (const [name, pressed, want] of TABLE) test(name, () => assert.equal(commandOf(pressed), want));
