import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clean } from './text.ts';

const cases: readonly (readonly [string, string])[] = [
  ['engine', 'engine'],
  ['\u001b[31mred\u0007', '[31mred'],
  ['two\nlines\u2028three', 'twolinesthree'],
  ['\u202egnp.exe', 'gnp.exe'],
  ['a'.repeat(1_000_000), `${'a'.repeat(159)}…`],
];

test('names are shown as one short visible line', () => {
  for (const [raw, shown] of cases) assert.equal(clean(raw), shown);
});
