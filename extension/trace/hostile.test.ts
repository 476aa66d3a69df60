// Files that lie, all the way from opening them to every answer: what can be told is told and adds up, the rest is refused
// with a sentence. Seeded, so that a case that fails can be made again.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { checkTree } from '../../test/fixtures/check-tree.ts';
import { random } from '../../test/fixtures/random.ts';
import { temporaryFolder, temporaryTrace } from '../../test/fixtures/temporary.ts';
import { findCauses } from './causes/index.ts';
import { TraceError, toTraceError } from './error.ts';
import { openDatabase } from './open.ts';
import { belief } from './query/belief.ts';
import { flame } from './query/flame.ts';
import { offCpu } from './query/off-cpu.ts';
import { stats } from './query/stats.ts';
import { Store } from './query/store.ts';
import { tracks } from './query/tracks.ts';
import { readSchema } from './schema.ts';

const CASES = Number(process.env['WAKECHAIN_CASES'] ?? 40);
const schemaText = readFileSync(new URL('../../collector/schema.sql', import.meta.url), 'utf8');
const schema = readSchema(schemaText);

/** Asks everything of a file and checks the sums. Returns what was refused; throws for anything but a sentence. */
function examine(file: string): readonly string[] {
  const refused: string[] = [];
  const told = <T>(ask: () => T): T | undefined => {
    try {
      return ask();
    } catch (thrown) {
      const error = toTraceError(thrown);
      assert.notEqual(error.reason, 'internal', String((thrown as Error).stack));
      assert.match(error.message, /^\S.{10,400}\.$/su, 'a sentence');
      refused.push(error.message);
      return undefined;
    }
  };
  const open = told(() => openDatabase(file, schema));
  if (open === undefined) return refused;
  try {
    const store = new Store(open);
    if (told(() => store.columns) === undefined) return refused;
    told(() => checkCauses(store));
    told(() => checkStats(store));
    told(() => tracks(store));
    told(() => flame(store, { kind: 'cuda' }));
    told(() => flame(store, { kind: 'off_cpu' }));
    return refused;
  } finally {
    open.close();
  }
}

function checkCauses(store: Store): void {
  const result = findCauses(store.db, { floorUs: 50 }, belief(store));
  const summed = result.byState.reduce((sum, { timeNs }) => sum + timeNs, 0);
  assert.equal(summed, result.delays.totalNs, 'states add up to the delays');
  for (const cause of result.causes) {
    assert.doesNotMatch(cause.sentence, /undefined|NaN|null|\p{Cc}/u);
    assert.ok(cause.sentence.length < 4_000, 'a name of a megabyte is not a sentence');
    for (const root of cause.examples) checkTree(root);
  }
}

function checkStats(store: Store): void {
  const told = stats(store, {});
  const { captureEndNs } = store.columns;
  for (const { count, totalNs, minNs, maxNs, p50Ns } of told.functions) {
    assert.ok(minNs >= 0 && minNs <= p50Ns && p50Ns <= maxNs && maxNs <= captureEndNs);
    assert.ok(totalNs >= maxNs && totalNs <= count * maxNs);
  }
  let everyNs = 0;
  for (const { onCpuNs, offCpu: reasons } of told.threads) {
    const offNs = reasons.reduce((sum, { blockedNs, runnableNs }) => sum + blockedNs + runnableNs, 0);
    assert.ok(offNs >= 0 && offNs <= told.window.endNs - told.window.startNs, 'off the CPU once at a time');
    assert.ok(onCpuNs >= 0);
    everyNs += offNs;
  }
  assert.equal(offCpu(store, {}).totalNs, everyNs, 'two ways to the same sum');
}

test('pages overwritten at random', t => {
  const { file } = temporaryTrace(t, { events: 3_000 });
  const sound = readFileSync(file);
  assert.deepEqual(examine(file), []);
  const sentences = new Set<string>();
  for (let seed = 1; seed <= CASES; seed++) {
    const dice = random(seed);
    const bytes = Buffer.from(sound);
    const wounds = dice.between(1, 5);
    for (let wound = 0; wound < wounds; wound++) {
      // A whole page of noise, a few bytes, or a page that is another's: what a bad disk and a bad copy leave.
      const page = 4096 * dice.between(0, bytes.length / 4096);
      const how = dice.next();
      if (how < 0.3) for (let i = 0; i < 4096; i++) bytes[page + i] = dice.between(0, 256);
      else if (how < 0.6) {
        const other = 4096 * dice.between(0, bytes.length / 4096);
        sound.copy(bytes, page, other, other + 4096);
      } else for (let i = 0; i < 8; i++) bytes[page + dice.between(0, 4096)] = dice.between(0, 256);
    }
    writeFileSync(file, bytes);
    try {
      for (const sentence of examine(file)) sentences.add(sentence);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  assert.ok(sentences.size >= 3, `refused for ${sentences.size} reasons`);
});

const wild = [-1, 0, 1, 2 ** 31, 2 ** 53 - 1, '9223372036854775807', '-9223372036854775808', '-5000000'];
/** What a stranger may have written into a column that the schema lets be any integer. */
const columns: readonly (readonly [string, string])[] = [
  ...['thread_id', 'function_id', 'start_ns', 'duration_ns', 'parent_id', 'call_site_id', 'stack_id'].map(
    column => ['cuda_call', column] as const,
  ),
  ...['thread_id', 'start_ns', 'duration_ns', 'runnable_ns', 'reason_id', 'object_id', 'waker_thread_id'].map(
    column => ['off_cpu', column] as const,
  ),
  ...['cpu_before', 'cpu_after', 'waker_context_id', 'stack_id', 'next_thread_id'].map(
    column => ['off_cpu', column] as const,
  ),
  ...['thread_id', 'duration_ns'].map(column => ['cpu_slice', column] as const),
  ...['process_id', 'tid', 'start_ns'].map(column => ['thread', column] as const),
  ...['parent_id', 'frame_id'].map(column => ['stack', column] as const),
];

test('references that point nowhere, negative and overflowing times, intervals that overlap', t => {
  const { file } = temporaryTrace(t, { events: 3_000 });
  const sound = readFileSync(file);
  let answered = 0;
  for (let seed = 1; seed <= CASES; seed++) {
    const dice = random(seed);
    writeFileSync(file, sound);
    const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN');
    for (let lie = 0; lie < 6; lie++) {
      const [table, column] = dice.pick(columns);
      const some = dice.between(1, 21);
      const value = dice.chance(0.3)
        ? `max(${column}, -(1 << 62)) - ${dice.between(0, 5e6)}`
        : dice.pick(wild);
      db.exec(`UPDATE OR IGNORE ${table} SET ${column} = ${value} WHERE ${column} % ${some} = 0`);
    }
    db.exec('COMMIT');
    db.close();
    try {
      if (examine(file).length === 0) answered++;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  assert.ok(answered > CASES / 2, `${answered} of ${CASES} were explained as far as they could be`);
});

test('names of a megabyte and of control characters', t => {
  const { file } = temporaryTrace(t, { events: 3_000 });
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  const long = `'\u001b[2J\r\n\u202e' || printf('%.*c', 1000000, 'a')`;
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON');
  for (const [table, column] of [
    ['process', 'name'],
    ['process', 'command_line'],
    ['process', 'cgroup'],
    ['thread', 'name'],
    ['frame', 'function'],
    ['frame', 'file'],
    ['cuda_function', 'name'],
    ['wait_object', 'name'],
    ['probe', 'target'],
  ]) {
    db.exec(`UPDATE ${table} SET ${column} = ${long} || rowid WHERE rowid <= 2`);
  }
  db.exec(
    `UPDATE off_cpu SET details = ${long} WHERE id <= 2; UPDATE cuda_call SET details = ${long} WHERE id <= 2`,
  );
  db.exec(`UPDATE name SET name = ${long} || id WHERE id <= 2`);
  db.close();
  assert.deepEqual(examine(file), []);
});

test('a million waits on one word, and a few that last as long as all of them', t => {
  const file = join(temporaryFolder(t), 'crowd.wakechain.db');
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  const [waits, threads, endNs] = [1_000_000, 10, 10e9];
  const eachNs = (endNs / waits) * threads;
  const series = (rows: number) =>
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows - 1})`;
  const wait = `(id, thread_id, start_ns, duration_ns, runnable_ns, reason_id, object_id, futex_op, futex_value,
    waker_thread_id, waker_context_id, cpu_before, cpu_after)`;
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
  db.exec(schemaText.replaceAll(/CREATE INDEX[^;]*;/g, ''));
  db.exec(`BEGIN; INSERT INTO meta VALUES ('duration_ns', '${endNs}'); INSERT INTO name VALUES (1, 'futex'), (2, 'task');
    INSERT INTO process(id, pid, name, is_target) VALUES (1, 1, 'p', 1);
    INSERT INTO cuda_function VALUES (1, 'cudaLaunchKernel', 'runtime', 'launch');
    INSERT INTO wait_object VALUES (1, 'futex', 1, 4096, NULL);
    ${series(threads + 1)} INSERT INTO thread SELECT i + 1, 1, i + 1, 't' || i, NULL, NULL FROM n;
    ${series(waits)} INSERT INTO off_cpu${wait} SELECT i + 1, i % ${threads} + 1,
      (i / ${threads}) * ${eachNs} + i % ${threads} * 7, ${eachNs - 20_000}, i % 50, 1, 1, 0, 2, (i * 7 + 3) % ${threads} + 1,
      2, 0, 0 FROM n;
    ${series(20)} INSERT INTO off_cpu${wait} SELECT 2000000 + i, ${threads + 1}, i * 500000000 + 2000, 499990000, 100, 1, 1, 0,
      2, i % ${threads} + 1, 2, 0, 0 FROM n;
    ${series(20)} INSERT INTO cuda_call(id, thread_id, function_id, start_ns, duration_ns)
      SELECT i + 1, ${threads + 1}, 1, i * 500000000 + 1000, 499992000 FROM n; COMMIT`);
  db.close();
  assert.deepEqual(examine(file), []);
});

test('a table or a column that is missing is named', t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const sound = readFileSync(file);
  for (const table of schema.tables.keys()) {
    writeFileSync(file, sound);
    const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    db.exec(`DROP TABLE ${table}`);
    db.close();
    assert.throws(
      () => openDatabase(file, schema),
      (error: unknown) =>
        error instanceof TraceError && error.reason === 'damaged' && error.message.includes(table),
      table,
    );
  }
});
