// Whoever changes the log is found out, whichever line it is.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../test/fixtures/temporary.ts';
import { type AuditEntry, appendAudit, argumentsOf, verifyAudit } from './audit.ts';

const entry = (tool: string): AuditEntry => ({
  time: '2026-01-31T12:00:00.000Z',
  client: 'test 1',
  tool,
  ...argumentsOf({ limit: 5 }),
  rows: 5,
  bytes: 1234,
  durationMs: 7,
  outcome: 'ok',
});

const silent = (words: string): void => assert.fail(words);

function logOf(test: { after(cleanUp: () => void): void }, lines: number): string {
  const file = join(temporaryFolder(test), 'audit.log');
  for (let i = 0; i < lines; i++) appendAudit(file, entry(`tool ${i}`), silent);
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
  ['the last line is removed', lines => lines.slice(0, -1), /ends at line 4, but entry 5 was written/],
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

/** The log with its last line cut: after `keep` bytes of it. The head still speaks of the line before. */
function tearLast(file: string, keep: number): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const [last = ''] = lines.splice(-1);
  const before: AuditEntry & { readonly hash: string } = JSON.parse(lines.at(-1) ?? '{}');
  const whole = lines.map(line => `${line}\n`).join('');
  const torn = Buffer.from(last).subarray(0, keep);
  writeFileSync(file, Buffer.concat([Buffer.from(whole), torn]));
  if (lines.length > 0)
    writeFileSync(`${file}.head`, JSON.stringify({ seq: lines.length, hash: before.hash }));
  else rmSync(`${file}.head`);
  return torn.toString('latin1');
}

for (const [what, lines, keep] of [
  ['in its middle', 3, 40],
  ['in the middle of a character', 3, 100],
  ['after one byte', 3, 1],
  ['and it is the only one', 1, 30],
] as const)
  test(`a server that ended while it wrote a line, ${what}: the line stays, the log goes on, and both are told`, t => {
    const file = logOf(t, lines - 1);
    appendAudit(file, { ...entry('torn'), client: 'ä'.repeat(60) }, silent);
    const torn = tearLast(file, keep);
    assert.match(verifyAudit(file).message, new RegExp(`^Line ${lines} is cut short`));
    const told: string[] = [];
    appendAudit(file, entry('next'), words => told.push(words));
    assert.match(told.join(), new RegExp(`ended with a torn line \\(${keep} bytes\\)`));
    appendAudit(file, entry('after'), silent);
    assert.equal(readFileSync(file, 'latin1').split('\n')[lines - 1], torn);
    const verdict = verifyAudit(file);
    assert.equal(verdict.sound, true, verdict.message);
    assert.match(verdict.message, new RegExp(`^${lines + 1} lines, none changed.*Torn.*line ${lines};`));
    // Nobody can change, remove or make up a torn line afterwards.
    const all = readFileSync(file, 'latin1').split('\n');
    for (const forged of [
      all.with(lines - 1, `${torn}x`),
      all.toSpliced(lines - 1, 1),
      all.toSpliced(0, 0, '{"seq":'),
    ]) {
      writeFileSync(file, forged.join('\n'), 'latin1');
      assert.equal(verifyAudit(file).sound, false, forged.join('\n'));
    }
  });

test('torn twice in a row', t => {
  const file = logOf(t, 2);
  const tear = (): void => appendFileSync(file, '{"seq":3,"time":"2026');
  const told: string[] = [];
  tear();
  appendFileSync(file, '\n');
  tear();
  appendAudit(file, entry('next'), words => told.push(words));
  assert.match(told.join(), /torn line \(43 bytes\)/);
  assert.match(verifyAudit(file).message, /^3 lines, none changed.*line 3, 4;/);
});

test('lines that were removed at the end stay missed after the next call', t => {
  const file = logOf(t, 5);
  writeFileSync(file, readFileSync(file, 'utf8').split('\n').slice(0, 3).join('\n').concat('\n'));
  appendAudit(file, entry('next'), silent);
  assert.match(verifyAudit(file).message, /Before line 4 a line is missing/);
});

test('a file that is no log is not written to', t => {
  const file = join(temporaryFolder(t), 'notes.txt');
  writeFileSync(file, 'my notes');
  assert.throws(() => appendAudit(file, entry('next'), silent), /is no audit log/);
  assert.equal(readFileSync(file, 'utf8'), 'my notes');
});

test('arguments are cut, but known by length and hash', () => {
  const query = `SELECT '${'ä'.repeat(3000)}'`;
  const whole = JSON.stringify({ query });
  const { arguments: kept, argumentsBytes, argumentsSha256 } = argumentsOf({ query });
  assert.equal(kept, whole.slice(0, 2000));
  assert.equal(argumentsBytes, Buffer.byteLength(whole));
  assert.equal(argumentsSha256, createHash('sha256').update(whole).digest('hex'));
  assert.equal(argumentsOf(undefined).arguments, '{}');
});

test('an absent log is not called sound', t => {
  assert.equal(verifyAudit(join(temporaryFolder(t), 'absent')).sound, false);
});

test('a line longer than what is read at first', t => {
  const file = logOf(t, 1);
  appendAudit(file, { ...entry('long'), arguments: 'x'.repeat(50_000) }, silent);
  appendAudit(file, entry('after'), silent);
  assert.equal(verifyAudit(file).sound, true);
});

test('several servers write one log', async t => {
  const file = join(temporaryFolder(t), 'audit.log');
  const module = fileURLToPath(new URL('./audit.ts', import.meta.url));
  const script = `import(${JSON.stringify(module)}).then(({ appendAudit }) => {
    for (let i = 0; i < 40; i++) appendAudit(${JSON.stringify(file)}, ${JSON.stringify(entry('shared'))}, console.error);
  })`;
  await Promise.all([1, 2, 3].map(() => promisify(execFile)(process.execPath, ['--eval', script])));
  assert.deepEqual(verifyAudit(file), { sound: true, message: '120 lines, none changed or removed.' });
});
