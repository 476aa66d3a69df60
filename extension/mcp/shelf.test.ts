// Which traces are known, looked up anew each time.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder, temporaryTrace } from '../../test/fixtures/temporary.ts';
import { Shelf } from './shelf.ts';

const queryProgram = fileURLToPath(new URL('../trace/query/main.ts', import.meta.url));

function shelfOf(t: { after(cleanUp: () => Promise<void> | void): void }) {
  const folder = temporaryFolder(t);
  const registry = join(folder, 'registry.json');
  const shelf = new Shelf({ folders: [join(folder, 'a'), join(folder, 'b')], registry, queryProgram });
  t.after(() => shelf.close());
  return { folder, registry, shelf };
}

test('an empty shelf says what to do', t => {
  const { shelf } = shelfOf(t);
  assert.deepEqual(shelf.list(), []);
  assert.throws(() => shelf.find(undefined), { reason: 'not_found', message: /no trace yet/ });
});

test('files appear without a restart, the newest first; other files are none', t => {
  const { folder, registry, shelf } = shelfOf(t);
  const { file } = temporaryTrace(t, { events: 500 });
  mkdirSync(join(folder, 'a'));
  copyFileSync(file, join(folder, 'a', 'old.wakechain.db'));
  utimesSync(join(folder, 'a', 'old.wakechain.db'), 1000, 1000);
  writeFileSync(join(folder, 'a', 'notes.txt'), 'no trace');
  assert.deepEqual(
    shelf.list().map(trace => trace.id),
    ['old'],
  );
  mkdirSync(join(folder, 'b'));
  copyFileSync(file, join(folder, 'b', 'new.wakechain.db'));
  assert.deepEqual(
    shelf.list().map(trace => trace.id),
    ['new', 'old'],
  );
  assert.equal(shelf.find(undefined).id, 'new');
  writeFileSync(
    registry,
    JSON.stringify({ version: 1, traces: [file, join(folder, 'gone.wakechain.db'), 7] }),
  );
  assert.deepEqual(new Set(shelf.list().map(trace => trace.id)), new Set(['new', 'old', 'one']));
  writeFileSync(registry, '{"version":1,"tra');
  assert.equal(shelf.list().length, 2, 'half written: empty until it is whole');
});

test('an id is looked for, and a slip is noticed', t => {
  const { folder, shelf } = shelfOf(t);
  const { file } = temporaryTrace(t, { events: 500 });
  mkdirSync(join(folder, 'a'));
  copyFileSync(file, join(folder, 'a', 'engine-run.wakechain.db'));
  for (const id of ['engine-run', 'engine-run.wakechain.db', join(folder, 'a', 'engine-run.wakechain.db')]) {
    assert.equal(shelf.find(id).id, 'engine-run');
  }
  assert.throws(() => shelf.find('engine-rum'), { message: /did you mean "engine-run"/ });
});

test('two files of one name have two ids', t => {
  const { folder, shelf } = shelfOf(t);
  const { file } = temporaryTrace(t, { events: 500 });
  for (const part of ['a', 'b']) {
    mkdirSync(join(folder, part));
    copyFileSync(file, join(folder, part, 'same.wakechain.db'));
  }
  const ids = shelf.list().map(trace => trace.id);
  assert.equal(new Set(ids).size, 2);
  for (const id of ids) assert.match(id, /^same-[0-9a-f]{6}$/);
});

test('a trace that was replaced is opened again', async t => {
  const { folder, shelf } = shelfOf(t);
  const [first, second] = [temporaryTrace(t, { events: 500 }), temporaryTrace(t, { events: 900 })];
  mkdirSync(join(folder, 'a'));
  const path = join(folder, 'a', 'one.wakechain.db');
  const calls = async () =>
    (await (await shelf.open(shelf.find('one'))).call('summary', undefined)).rows['cuda_call'];
  copyFileSync(first.file, path);
  assert.equal(await calls(), first.rows.cuda_call);
  assert.equal(await shelf.open(shelf.find('one')), await shelf.open(shelf.find('one')), 'kept open');
  rmSync(path);
  copyFileSync(second.file, path);
  assert.equal(await calls(), second.rows.cuda_call);
  assert.equal((await shelf.glance(shelf.find('one'))).rows['cuda_call'], second.rows.cuda_call);
});
