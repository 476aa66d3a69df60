// Whoever changes the log is found out, whichever line it is.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../test/fixtures/temporary.ts';
import { type AuditEntry, appendAudit, verifyAudit } from './audit.ts';

const entry = (tool: string): AuditEntry => ({
  time: '2026-01-31T12:00:00.000Z',
  client: 'test 1',
  tool,
  arguments: '{"limit":5}',
  rows: 5,
  bytes: 1234,
  durationMs: 7,
  outcome: 'ok',
});

function logOf(test: { after(cleanUp: () => void): void }, lines: number): string {
  const file = join(temporaryFolder(test), 'audit.log');
  for (let i = 0; i < lines; i++) appendAudit(file, entry(`tool ${i}`));
  return file;
}

test('a log as it was written is sound', t => {
  const file = logOf(t, 5);
  assert.deepEqual(verifyAudit(file), { sound: true, message: '5 lines, none changed or removed.' });
});

const attacks: readonly [name: string, change: (lines: string[]) => string[], says: RegExp][] = [
  [
    'a word of a line is changed',
    lines => lines.with(2, (lines[2] ?? '').replace('"rows":5', '"rows":6')),
    /Line 3 was changed/,
  ],
  ['the first line is removed', lines => lines.slice(1), /Before line 1/],
  ['a line in the middle is removed', lines => lines.toSpliced(2, 1), /Before line 3/],
  ['the last line is removed', lines => lines.slice(0, -1), /ends at line 4, but line 5 was written/],
  ['two lines change places', ([a = '', b = '', ...rest]) => [b, a, ...rest], /Before line 1/],
  ['a line is put in twice', lines => lines.toSpliced(2, 0, lines[1] ?? ''), /Before line 3/],
  ['everything is removed', () => [], /ends at line 0/],
  ['a line is no line', lines => lines.with(1, 'hello'), /Line 2 is not a line/],
];

for (const [name, change, says] of attacks) {
  test(`found: ${name}`, t => {
    const file = logOf(t, 5);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const changed = change(lines);
    writeFileSync(file, changed.map(line => `${line}\n`).join(''));
    const { sound, message } = verifyAudit(file);
    assert.equal(sound, false);
    assert.match(message, says);
  });
}

test('a torn last line is found, and nothing is appended to it', t => {
  const file = logOf(t, 2);
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, -10));
  assert.match(verifyAudit(file).message, /Line 2 is cut short/);
  assert.throws(() => appendAudit(file, entry('next')), /does not end with a whole line/);
});

test('an absent log is not called sound', t => {
  assert.equal(verifyAudit(join(temporaryFolder(t), 'absent')).sound, false);
});

test('a line longer than what is read at first', t => {
  const file = logOf(t, 1);
  appendAudit(file, { ...entry('long'), arguments: 'x'.repeat(50_000) });
  appendAudit(file, entry('after'));
  assert.equal(verifyAudit(file).sound, true);
});

test('several servers write one log', async t => {
  const file = join(temporaryFolder(t), 'audit.log');
  const module = fileURLToPath(new URL('./audit.ts', import.meta.url));
  const script = `import(${JSON.stringify(module)}).then(({ appendAudit }) => {
    for (let i = 0; i < 40; i++) appendAudit(${JSON.stringify(file)}, ${JSON.stringify(entry('shared'))});
  })`;
  await Promise.all([1, 2, 3].map(() => promisify(execFile)(process.execPath, ['--eval', script])));
  assert.deepEqual(verifyAudit(file), { sound: true, message: '120 lines, none changed or removed.' });
});
