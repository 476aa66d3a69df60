import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visible } from './visible.ts';

for (const [text, shown] of [
  ['python3 -m serve --model "größe"', 'python3 -m serve --model "größe"'],
  ['a\u001b[2J\nb\u202ec', 'a [2J b c'],
  ['\ud800 alone', '  alone'],
  ['x'.repeat(5_000), `${'x'.repeat(4_000)}…`],
] as const) {
  test(JSON.stringify(text.slice(0, 20)), () => assert.equal(visible(text), shown));
}
