import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inBrackets, lastLine, plain } from './words.ts';

test('what a host says, on one line and without what moves the cursor', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['sudo: a password is required\n', 'sudo: a password is required'],
    ['\u001b[31mred\u001b[0m\u0007', '[31mred[0m'],
    ['a\r\n\tb  c', 'a b c'],
    ['name\u202Egnp.exe\u2066\u200B', 'namegnp.exe'],
    ['   ', ''],
  ];
  for (const [text, expected] of cases) assert.equal(plain(text), expected);
  assert.equal(plain('x'.repeat(5000)).length, 240);
  assert.equal(plain('x'.repeat(20), 5), 'xxxx…');
});

test('the last line that says something', () => {
  assert.equal(lastLine('first\nlast\n\n \u001b\n'), 'last');
  assert.equal(lastLine('progress\rdone\r'), 'done');
  assert.equal(lastLine(''), '');
  assert.equal(inBrackets('No space left.\n'), ' (No space left)');
  assert.equal(inBrackets('\n'), '');
});
