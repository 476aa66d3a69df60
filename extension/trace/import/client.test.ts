// An import as its caller sees it: real processes, real cancelling; the name is whole, taken, or not there.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generate } from '../../../test/fixtures/generate.ts';
import { writeIngero } from '../../../test/fixtures/ingero.ts';
import { openTrace } from '../query/client.ts';
import { freeName, type ImportProgress, importTrace, openTraceOrOffer, recogniseFile } from './client.ts';

const queryProgram = fileURLToPath(new URL('../query/main.ts', import.meta.url));

function folder(t: { after(run: () => void): void }): { readonly home: string; readonly file: string } {
  const home = mkdtempSync(join(tmpdir(), 'wakechain-import-test-'));
  t.after(() => rmSync(home, { recursive: true }));
  const file = join(home, 'run.db');
  return { home, file };
}

test('a file is recognised, imported with progress, and opened', async t => {
  const { home, file } = folder(t);
  writeIngero(file, { version: '0.9' });
  const found = await recogniseFile(file, { queryProgram });
  const { n } =
    new DatabaseSync(file, { readOnly: true }).prepare('SELECT count(*) AS n FROM events').get() ?? {};
  assert.deepEqual(found, {
    ...{ tool: 'Ingero', version: '0.9', bytes: statSync(file).size, events: n, claims: 6 },
  });
  const seen: ImportProgress[] = [];
  const target = join(home, 'run.wakechain.db');
  const meta = await importTrace(file, target, { queryProgram, progress: step => seen.push(step) });
  assert.deepEqual(
    [seen[0], seen.at(-1)],
    [
      { done: 0, all: n },
      { done: n, all: n },
    ],
  );
  assert.equal(meta.sha256, sha256(file));
  assert.deepEqual(readdirSync(home).sort(), ['run.db', 'run.wakechain.db', 'run.wakechain.db.sha256']);
  assert.equal(statSync(target).mode & 0o777, 0o600);
  const trace = await openTrace(target, { queryProgram });
  t.after(() => trace.close());
  const summary = await trace.call('summary', undefined);
  assert.equal(summary.provenance.state, 'verified');
  assert.deepEqual(summary.imported, { tool: 'Ingero', version: '0.9', file: 'run.db' });
  assert.equal((await trace.call('claims', undefined)).total, 6);
});

test("opening another tool's file offers the import; nobody's file is refused", async t => {
  const { home, file } = folder(t);
  writeIngero(file);
  await assert.rejects(openTraceOrOffer(file, { queryProgram }), {
    reason: 'importable',
    message:
      /^run\.db is a trace of Ingero \(its version 0\.8\): \d+ events, and what it gives as 6 causes\.$/,
  });
  const other = join(home, 'other.db');
  const db = new DatabaseSync(other);
  db.exec('CREATE TABLE t (a)');
  db.close();
  await assert.rejects(openTraceOrOffer(other, { queryProgram }), { reason: 'foreign', message: /neither/ });
  const ours = join(home, 'ours.db');
  generate(ours, { events: 200 });
  const trace = await openTraceOrOffer(ours, { queryProgram });
  await trace.close();
});

test('a name that is taken is not overwritten, not even by one that comes meanwhile', async t => {
  const { home, file } = folder(t);
  writeIngero(file);
  const target = join(home, 'taken.wakechain.db');
  writeFileSync(target, 'mine');
  await assert.rejects(importTrace(file, target, { queryProgram }), {
    reason: 'refused',
    message: /is there already/,
  });
  const late = join(home, 'late.wakechain.db');
  await assert.rejects(
    importTrace(file, late, { queryProgram, progress: () => writeFileSync(late, 'mine') }),
    { reason: 'refused' },
  );
  assert.equal(readFileSync(target, 'utf8'), 'mine');
  assert.equal(readFileSync(late, 'utf8'), 'mine');
  assert.deepEqual(readdirSync(home).sort(), ['late.wakechain.db', 'run.db', 'taken.wakechain.db']);
  assert.equal(freeName(home, '/elsewhere/taken.db'), join(home, 'taken-2.wakechain.db'));
  assert.equal(freeName(home, file), join(home, 'run.wakechain.db'));
});

test('a cancelled import leaves nothing', async t => {
  const { home, file } = folder(t);
  // Large enough that the first progress is far from the last.
  writeIngero(file, { rounds: 200 });
  const db = new DatabaseSync(file);
  const columns = 'timestamp, pid, tid, source, op, duration, arg0, arg1';
  for (let i = 0; i < 8; i++) db.exec(`INSERT INTO events (${columns}) SELECT ${columns} FROM events`);
  db.close();
  const stop = new AbortController();
  let last: ImportProgress = { done: 0, all: 0 };
  const running = importTrace(file, join(home, 'run.wakechain.db'), {
    queryProgram,
    signal: stop.signal,
    progress: step => {
      last = step;
      if (step.done > 0) stop.abort();
    },
  });
  await assert.rejects(running, { reason: 'cancelled' });
  assert.ok(last.done < last.all, 'it was under way');
  assert.deepEqual(readdirSync(home), ['run.db']);
});

test('a folder that cannot be written is named', {
  skip: process.getuid?.() === 0 && 'root may write anywhere',
}, async t => {
  const { home, file } = folder(t);
  writeIngero(file);
  chmodSync(home, 0o500);
  await assert.rejects(importTrace(file, join(home, 'x.wakechain.db'), { queryProgram }), {
    message: /Nothing can be written to/,
  });
  chmodSync(home, 0o700);
});

test('a folder that is not there is named', async t => {
  const { home, file } = folder(t);
  writeIngero(file);
  await assert.rejects(importTrace(file, join(home, 'no', 'x.wakechain.db'), { queryProgram }), {
    reason: 'unreadable',
    message: /Nothing can be written to/,
  });
});

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
