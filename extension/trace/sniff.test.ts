// Every kind of wrong file gets its own reason, before SQLite has touched it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryTrace } from '../../test/fixtures/temporary.ts';
import type { TraceErrorReason } from './api.ts';
import { TraceError } from './error.ts';
import { sniff } from './sniff.ts';

test('a sound trace passes, also through a link', t => {
  const { file } = temporaryTrace(t);
  assert.deepEqual(sniff(file), { bytes: readFileSync(file).length, schemaVersion: 1 });
  symlinkSync(file, `${file}.link`);
  assert.equal(sniff(`${file}.link`).schemaVersion, 1);
});

/** Makes a wrong file out of a sound one at the same path. */
const wrong: readonly [
  name: string,
  reason: TraceErrorReason,
  says: RegExp,
  spoil: (file: string) => void,
][] = [
  ['empty', 'empty', /is empty/, file => writeFileSync(file, '')],
  ['random bytes', 'not_a_database', /not a SQLite database/, file => writeFileSync(file, noise(5000))],
  ['a short text', 'not_a_database', /not a SQLite database/, file => writeFileSync(file, 'SQLite is nice')],
  ['only the magic', 'truncated', /incomplete/, file => truncateSync(file, 40)],
  [
    'cut in the middle',
    'truncated',
    /incomplete: 20480 of at least \d+ bytes/,
    file => truncateSync(file, 20_480),
  ],
  [
    'cut inside a page',
    'truncated',
    /incomplete/,
    file => truncateSync(file, readFileSync(file).length - 100),
  ],
  [
    'one page missing',
    'truncated',
    /incomplete/,
    file => truncateSync(file, readFileSync(file).length - 4096),
  ],
  [
    'another application',
    'foreign',
    /not a trace of Wakechain/,
    file => run(file, 'PRAGMA application_id = 77'),
  ],
  [
    'a newer schema',
    'newer',
    /schema is version 2, this one reads up to 1/,
    file => run(file, 'PRAGMA user_version = 2'),
  ],
  ['no schema version', 'damaged', /no schema version/, file => run(file, 'PRAGMA user_version = 0')],
  ['write-ahead mode', 'wal', /write-ahead mode/, file => run(file, 'PRAGMA journal_mode = WAL')],
  ['an impossible page size', 'damaged', /page size/, file => patch(file, 16, [0x03, 0x00])],
  ['a journal beside it', 'damaged', /not finished/, file => writeFileSync(`${file}-journal`, 'x')],
  ['absent', 'not_found', /There is no file/, file => execFileSync('rm', [file])],
  ['a folder', 'unreadable', /is a folder/, file => execFileSync('rm', [file]) && mkdirSync(file)],
  [
    'a pipe',
    'unreadable',
    /not a regular file/,
    file => execFileSync('sh', ['-c', 'rm "$0" && mkfifo "$0"', file]),
  ],
];

for (const [name, reason, says, spoil] of wrong) {
  test(`${name}: ${reason}`, t => {
    const { file } = temporaryTrace(t);
    spoil(file);
    assert.throws(
      () => sniff(file),
      (error: unknown) => {
        assert.ok(error instanceof TraceError);
        assert.equal(error.reason, reason);
        assert.match(error.message, says);
        assert.ok(error.hint !== undefined, 'says what to do');
        return true;
      },
    );
  });
}

test('without permission: unreadable', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, t => {
  const { file } = temporaryTrace(t);
  chmodSync(file, 0);
  assert.throws(() => sniff(file), { reason: 'unreadable' });
});

test('a WAL file is not touched: nothing appears beside it', t => {
  const { file } = temporaryTrace(t);
  run(file, 'PRAGMA journal_mode = WAL');
  const copy = join(file, '../copy.wakechain.db');
  copyFileSync(file, copy);
  const before = readFileSync(copy);
  assert.throws(() => sniff(copy), { reason: 'wal' });
  assert.deepEqual(readFileSync(copy), before);
  assert.equal(execFileSync('sh', ['-c', 'ls "$0"* | wc -l', copy]).toString().trim(), '1');
});

function noise(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 2_654_435_761) >>> 24);
}

function run(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

function patch(file: string, at: number, bytes: readonly number[]): void {
  const content = readFileSync(file);
  content.set(bytes, at);
  writeFileSync(file, content);
}
