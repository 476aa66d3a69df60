// Ingero's databases become traces: every row of theirs is a row of ours, the source stays the same file, and what its
// claims are worth is what plain SQL on the source says. On the databases that Ingero has published, and on one of each
// known version that our own generator writes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { INGERO_VERSIONS, writeIngero } from '../../../test/fixtures/ingero.ts';
import { findCauses } from '../causes/index.ts';
import { openDatabase } from '../open.ts';
import { belief } from '../query/belief.ts';
import { singleClaims } from '../query/claims.ts';
import { stats } from '../query/stats.ts';
import { Store } from '../query/store.ts';
import { tracks } from '../query/tracks.ts';
import { readSchema } from '../schema.ts';
import { importForeign } from './index.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const schema = readSchema(readFileSync(join(root, 'collector', 'schema.sql'), 'utf8'));
const scratch = mkdtempSync(join(tmpdir(), 'wakechain-ingero-'));
after(() => rmSync(scratch, { recursive: true }));

/** Beside the checkout, which may be a worktree of its own. */
const published = ['..', '../..'].map(up => join(root, up, 'shared/data/ingero')).find(existsSync);

const sources: readonly { readonly name: string; readonly file: string }[] = [
  ...INGERO_VERSIONS.map(version => {
    const file = join(scratch, `made-${version}.db`);
    writeIngero(file, { version });
    return { name: `version ${version}, made here`, file };
  }),
  ...(published === undefined
    ? []
    : readdirSync(published)
        .filter(name => name.endsWith('.db'))
        .map(name => ({ name, file: join(published, name) }))),
];

test(
  'the published databases are there',
  {
    skip: published === undefined && 'shared/data/ingero is not beside the checkout',
  },
  () => assert.ok(sources.length > INGERO_VERSIONS.length),
);

let imports = 0;
async function imported(file: string): Promise<string> {
  imports += 1;
  const target = join(scratch, `${imports}-${basename(file, '.db')}.wakechain.db`);
  const work = mkdtempSync(join(scratch, 'work-'));
  await importForeign({ path: file, work, file: target }, schema, async () => {});
  assert.deepEqual(readdirSync(work), [], 'nothing was copied: the source is read in place');
  return target;
}

const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

for (const { name, file } of sources) {
  test(`${name}: each event is one row, and the source is the same file`, async () => {
    const before = { hash: hash(file), beside: readdirSync(dirname(file)).filter(beside(file)) };
    const target = await imported(file);
    assert.deepEqual({ hash: hash(file), beside: readdirSync(dirname(file)).filter(beside(file)) }, before);
    // immutable: the published files stand in a folder that nothing may be written to.
    const source = rawDatabase(file);
    const trace = new DatabaseSync(target, { readOnly: true });
    const theirs = (sql: string): number => Number(source.prepare(sql).get()?.['n']);
    const ours = (sql: string): number => Number(trace.prepare(sql).get()?.['n']);
    const kinds: readonly (readonly [table: string, where: string])[] = [
      ['cuda_call', '(source = 1 AND op <= 12) OR (source = 4 AND op <= 6) OR (source = 8 AND op <= 4)'],
      ['off_cpu', 'source = 3 AND op = 1'],
      ['block_io', 'source = 5'],
      ['syscall', 'source = 7'],
      ['tcp_retransmit', 'source = 6'],
      ["instant WHERE kind <> 'ingero.chain'", '(source = 3 AND op <> 1) OR source = 9'],
    ];
    let sum = 0;
    for (const [table, where] of kinds) {
      const rows = ours(`SELECT count(*) AS n FROM ${table}`);
      assert.equal(rows, theirs(`SELECT count(*) AS n FROM events WHERE ${where}`), table);
      sum += rows;
    }
    assert.equal(sum, theirs('SELECT count(*) AS n FROM events'), 'all of them');
    assert.equal(
      ours("SELECT count(*) AS n FROM instant WHERE kind = 'ingero.chain'"),
      theirs('SELECT count(*) AS n FROM causal_chains'),
    );
    assert.equal(
      ours("SELECT count(*) AS n FROM sample WHERE metric = 'cpu.percent'"),
      theirs('SELECT count(*) AS n FROM system_snapshots'),
    );
    // A thread is who its rows say, on their host: what they did stays theirs.
    const { node } =
      source.prepare("SELECT count(*) AS node FROM pragma_table_info('events') WHERE name = 'node'").get() ??
      {};
    const host = node === 1 ? 'node' : "''";
    const perThread = (db: DatabaseSync, sql: string): unknown => {
      const statement = db.prepare(sql);
      statement.setReadBigInts(true);
      return statement.all();
    };
    const order = 'GROUP BY 1, 2, 3 ORDER BY 1, 2, 3';
    assert.deepEqual(
      perThread(
        trace,
        `SELECT ifnull(p.details ->> 'node', '') AS host, p.pid, t.tid, count(*) AS n, sum(c.duration_ns) AS d FROM cuda_call c
         JOIN thread t ON t.id = c.thread_id JOIN process p ON p.id = t.process_id ${order}`,
      ),
      perThread(
        source,
        `SELECT ${host} AS host, pid, tid, count(*) AS n, sum(duration) AS d FROM events WHERE ${kinds[0]?.[1]} ${order}`,
      ),
    );
    // Sums and ends survive the change of clock and of what a time stands for.
    const startUnix = BigInt(
      JSON.parse(
        String(trace.prepare("SELECT value FROM meta WHERE key = 'start_unix_ns'").get()?.['value']),
      ),
    );
    for (const [table, where] of kinds.slice(0, 3)) {
      const stamped = table === 'cuda_call' ? 'start_ns' : 'start_ns + duration_ns';
      const sums = (db: DatabaseSync, sql: string, start: bigint): unknown => {
        const statement = db.prepare(sql);
        statement.setReadBigInts(true);
        return statement.get({ start });
      };
      assert.deepEqual(
        sums(trace, `SELECT sum(duration_ns) AS d, sum(${stamped} - :start) AS t FROM ${table}`, 0n),
        sums(
          source,
          `SELECT sum(duration) AS d, sum(timestamp - :start) AS t FROM events WHERE ${where}`,
          startUnix,
        ),
        table,
      );
    }
    source.close();
    trace.close();
  });

  test(`${name}: ids ascend with time, and calls lie inside their parents`, async () => {
    const trace = new DatabaseSync(await imported(file), { readOnly: true });
    const time = { cuda_call: 'start_ns', off_cpu: 'start_ns', block_io: 'start_ns', syscall: 'start_ns' };
    const points = { tcp_retransmit: 'at_ns', instant: 'at_ns' };
    for (const [table, at] of Object.entries({ ...time, ...points })) {
      const sql = `SELECT count(*) AS n FROM ${table} a JOIN ${table} b ON b.id = a.id + 1 WHERE b.${at} < a.${at}`;
      assert.equal(trace.prepare(sql).get()?.['n'], 0, table);
    }
    const astray = `SELECT count(*) AS n FROM cuda_call c JOIN cuda_call p ON p.id = c.parent_id
      WHERE p.thread_id <> c.thread_id OR p.start_ns > c.start_ns
        OR p.start_ns + p.duration_ns < c.start_ns + c.duration_ns`;
    assert.equal(trace.prepare(astray).get()?.['n'], 0);
    trace.close();
  });

  test(`${name}: imported twice, the same bytes`, async () => {
    assert.equal(hash(await imported(file)), hash(await imported(file)));
  });

  test(`${name}: each claim of CPU contention is read as plain SQL reads it`, async () => {
    const store = new Store(openDatabase(await imported(file), schema));
    const source = rawDatabase(file);
    const claims = [...singleClaims(store)];
    assert.equal(
      claims.length,
      Number(source.prepare('SELECT count(*) AS n FROM causal_chains').get()?.['n']),
    );
    let read = 0;
    for (const { id, kind, atNs, summary, reading } of claims) {
      const chain = source.prepare('SELECT * FROM causal_chains WHERE id = ?');
      chain.setReadBigInts(true);
      const row = chain.get(id ?? '') as Record<string, bigint | string> | undefined;
      assert.ok(row !== undefined, `claim ${id}`);
      assert.equal(row['detected_at'], BigInt(store.metaText('start_unix_ns')) + BigInt(atNs));
      const contends = /sched_switch|high CPU/.test(String(row['root_cause'])) && !/dropped/.test(summary);
      assert.equal(kind, contends ? 'cpu_contention' : 'other', summary);
      if (kind === 'other') {
        assert.equal(reading.verdict, 'cannot_check');
        continue;
      }
      const { calls, blamed, blamedNs, offCpuNs } = bySql(source, row);
      if (calls === 0) assert.equal(reading.verdict, 'cannot_check', summary);
      else {
        assert.ok(reading.verdict === 'read', summary);
        assert.deepEqual(
          { ...reading, medianNs: 0, unwatchedNs: 0, rows: [] },
          {
            ...{ verdict: 'read', calls, medianNs: 0, blamed, blamedNs, offCpuNs, unwatchedNs: 0, rows: [] },
            share: blamedNs === 0 ? 0 : offCpuNs / blamedNs,
          },
          summary,
        );
        read += 1;
      }
    }
    if (name.includes('made here')) assert.ok(read > 0, 'some claim can be read');
    store.db.close();
    source.close();
  });
}

test('the claims that are made here blame calls that were partly off the CPU', async () => {
  const store = new Store(openDatabase(await imported(sources[0]?.file ?? ''), schema));
  const shares = [...singleClaims(store)].flatMap(({ reading }) =>
    reading.verdict === 'read' && reading.blamed > 0 ? [reading.share] : [],
  );
  store.db.close();
  assert.ok(
    shares.some(share => share > 0 && share < 1),
    `${shares}`,
  );
});

test('what is not in the file is not made up: no gaps, no running, no scheduler that is cleared', async () => {
  for (const { name, file } of sources) {
    const store = new Store(openDatabase(await imported(file), schema));
    const found = findCauses(store.db, { floorUs: 0 }, belief(store));
    assert.equal(found.delays.slowGaps, 0, name);
    assert.ok(
      found.byState.every(({ state }) => state === 'unexplained' || state === 'other'),
      `${name}: ${JSON.stringify(found.byState)}`,
    );
    assert.ok(!found.causes.some(({ kind }) => kind === 'innocent' || kind === 'cause'), name);
    assert.deepEqual(stats(store, {}).gaps, [], name);
    for (const { kind, observed } of tracks(store)) {
      if (kind === 'off_cpu') assert.equal(observed.endNs, observed.startNs, name);
    }
    store.db.close();
  }
});

test('rows that are still in the -wal are imported, from a copy', async () => {
  const folder = mkdtempSync(join(scratch, 'wal-'));
  const file = join(folder, 'live.db');
  writeIngero(file, { version: '0.10', rounds: 10 });
  const writer = new DatabaseSync(file);
  writer.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
  writer.exec(
    "INSERT INTO events (id, timestamp, pid, tid, source, op, duration) SELECT 'new', timestamp, pid, tid, 1, 3, 9 FROM events LIMIT 1",
  );
  const copy = join(folder, 'copied.db');
  for (const tail of ['', '-wal']) copyFileSync(`${file}${tail}`, `${copy}${tail}`);
  const rows = Number(writer.prepare('SELECT count(*) AS n FROM events').get()?.['n']);
  writer.close();
  const before = ['', '-wal'].map(tail => hash(`${copy}${tail}`));
  const target = join(folder, 'live.wakechain.db');
  const work = mkdtempSync(join(folder, 'work-'));
  const meta = await importForeign({ path: copy, work, file: target }, schema, async () => {});
  assert.equal(meta.rows.events.imported, rows);
  assert.deepEqual(
    ['', '-wal'].map(tail => hash(`${copy}${tail}`)),
    before,
  );
  assert.ok(!existsSync(`${copy}-shm`), 'nothing appears beside it');
});

function rawDatabase(file: string): DatabaseSync {
  return new DatabaseSync(new URL(`file://${encodeURI(file)}?mode=ro&immutable=1`), { readOnly: true });
}

const beside =
  (file: string) =>
  (name: string): boolean =>
    name.startsWith(basename(file));

interface Sums {
  readonly calls: number;
  readonly blamed: number;
  readonly blamedNs: number;
  readonly offCpuNs: number;
}

/** The reading of a chain by SQL over Ingero's own rows: nothing of the importer is in it. */
function bySql(source: DatabaseSync, chain: Readonly<Record<string, bigint | string>>): Sums {
  const operations: Readonly<Record<string, string>> = {
    ...{ cudaMalloc: '1, 1', cudaLaunchKernel: '1, 3', cudaMemcpy: '1, 4', cudaStreamSync: '1, 5' },
    ...{ cudaDeviceSync: '1, 6', cudaMemcpyAsync: '1, 7' },
    ...{ cuLaunchKernel: '4, 1', cuCtxSynchronize: '4, 4', cuMemAlloc: '4, 5' },
  };
  const named = operations[String(chain['cuda_op'])];
  if (named === undefined) return { calls: 0, blamed: 0, blamedNs: 0, offCpuNs: 0 };
  const node = chain['node'];
  const here = typeof node === 'string' && node !== '' ? `node = '${node}'` : 'TRUE';
  const statement = source.prepare(`
    WITH asked AS MATERIALIZED (
      SELECT rowid AS id, tid, pid, timestamp AS s, timestamp + duration AS e, duration FROM events
      WHERE (source, op) = (${named}) AND ${here}
        AND timestamp >= :at - 10000000000 AND timestamp < :at
    ), median AS (
      SELECT duration AS m FROM asked ORDER BY duration LIMIT 1 OFFSET (SELECT (count(*) + 1) / 2 - 1 FROM asked)
    ), blamed AS (
      SELECT * FROM asked WHERE duration > 3 * (SELECT m FROM median)
    ), off AS (
      SELECT DISTINCT tid, pid, timestamp - duration AS s, timestamp AS e FROM events
      WHERE source = 3 AND op = 1 AND ${here} AND pid IN (SELECT pid FROM blamed)
    ), edges AS (
      SELECT tid, pid, s AS t, 1 AS d FROM off UNION ALL SELECT tid, pid, e, -1 FROM off
    ), depth AS (
      SELECT tid, pid, t, sum(d) OVER (PARTITION BY pid, tid ORDER BY t, d DESC ROWS UNBOUNDED PRECEDING) AS n,
             lead(t) OVER (PARTITION BY pid, tid ORDER BY t, d DESC) AS u FROM edges
    ), pieces AS (
      SELECT tid, pid, t AS s, u AS e FROM depth WHERE n > 0 AND u > t
    )
    SELECT (SELECT count(*) FROM asked) AS calls, (SELECT count(*) FROM blamed) AS blamed,
      (SELECT ifnull(sum(duration), 0) FROM blamed) AS blamedNs,
      (SELECT ifnull(sum(min(b.e, p.e) - max(b.s, p.s)), 0) FROM blamed b
         JOIN pieces p ON p.tid = b.tid AND p.pid = b.pid AND p.s < b.e AND p.e > b.s) AS offCpuNs`);
  const row = statement.get({ at: chain['detected_at'] as bigint });
  const number = (name: string): number => Number(row?.[name]);
  return {
    calls: number('calls'),
    blamed: number('blamed'),
    blamedNs: number('blamedNs'),
    offCpuNs: number('offCpuNs'),
  };
}
