// The query process as a whole: real children, really killed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryTrace } from '../../../test/fixtures/temporary.ts';
import type { SqlResult } from '../api.ts';
import { ns } from '../time.ts';
import { QueryChild } from './child.ts';
import { openGlancer, openTrace } from './client.ts';

const queryProgram = fileURLToPath(new URL('./main.ts', import.meta.url));
const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';

test('every method answers, and the file stays as it was', async t => {
  const { file, rows, durationNs } = temporaryTrace(t, { sha256: true });
  const before = { hash: sha256(file), files: readdirSync(dirname(file)) };
  const trace = await openTrace(file, { queryProgram });
  t.after(() => trace.close());
  const summary = await trace.call('summary', undefined);
  assert.equal(summary.provenance.state, 'verified');
  assert.equal(summary.rows['cuda_call'], rows.cuda_call);
  assert.equal(summary.durationNs, durationNs);
  assert.equal((await trace.call('check', undefined)).items.length, 3);
  assert.ok((await trace.call('stats', {})).functions.length > 0);
  assert.ok((await trace.call('offCpu', {})).total > 0);
  assert.match(await trace.call('schema', undefined), /CREATE TABLE cuda_call/);
  const tracks = await trace.call('tracks', undefined);
  const window = { startNs: ns(0), endNs: ns(durationNs) };
  const slices = await trace.call('slices', {
    tracks: tracks.map(track => track.id),
    window,
    resolutionNs: 1e6,
  });
  assert.ok(slices.tracks[0]?.startNs instanceof Float64Array, 'typed arrays stay typed arrays');
  assert.ok((await trace.call('flame', { kind: 'cuda' })).name.length > 1);
  assert.equal((await trace.call('row', { table: 'off_cpu', id: 1 })).ref.table, 'off_cpu');
  assert.deepEqual((await trace.call('sql', { query: 'SELECT count(*) FROM cuda_call' })).rows, [
    [rows.cuda_call],
  ]);
  assert.ok((await trace.call('causes', {})).headline.length > 0);
  assert.ok((await trace.call('explain', { worst: {} })).examples.length > 0);
  await trace.close();
  assert.deepEqual({ hash: sha256(file), files: readdirSync(dirname(file)) }, before);
});

test('a query that never ends is stopped at its deadline; what is asked next is answered', async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const trace = await openTrace(file, { queryProgram, deadlineMs: 1_000 });
  t.after(() => trace.close());
  await assert.rejects(trace.call('sql', { query: endless }), {
    reason: 'deadline',
    message: /longer than 1 s/,
  });
  assert.deepEqual((await trace.call('sql', { query: 'SELECT 1' })).rows, [[1]]);
  assert.ok((await trace.call('stats', {})).threads.length > 0, 'the other process did not notice');
});

test('a query that takes all memory is stopped, and says so', async t => {
  const { file } = temporaryTrace(t);
  // With the limit of run_sql, and no deadline that could come first on a slow machine.
  const child = new QueryChild({
    queryProgram,
    path: file,
    deadlineMs: 60_000,
    residentBytes: 512 * 2 ** 20,
  });
  t.after(() => child.close());
  const hoard =
    'WITH m AS MATERIALIZED (SELECT zeroblob(1000000) AS a FROM cuda_call) SELECT count(*) FROM m ORDER BY max(a)';
  await assert.rejects(child.call({ method: 'sql', argument: { query: hoard } }), {
    reason: 'memory',
    message: /more than 512 MB/,
  });
  const next = await child.call({ method: 'sql', argument: { query: 'SELECT 1' } });
  assert.deepEqual((next as SqlResult).rows, [[1]]);
});

test('a call that is taken back is rejected at once, queued or under way', async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const trace = await openTrace(file, { queryProgram });
  t.after(() => trace.close());
  const [first, second] = [new AbortController(), new AbortController()];
  const running = trace.call('sql', { query: endless }, first.signal);
  const queued = trace.call('sql', { query: 'SELECT 2' }, second.signal);
  const patient = trace.call('sql', { query: 'SELECT 3' });
  second.abort();
  await assert.rejects(queued, { reason: 'cancelled' });
  first.abort();
  await assert.rejects(running, { reason: 'cancelled' });
  assert.deepEqual((await patient).rows, [[3]], 'after the abandoned one was ended');
  await assert.rejects(trace.call('sql', { query: 'SELECT 4' }, AbortSignal.abort()), {
    reason: 'cancelled',
  });
});

test('a wrong file is refused; one that vanishes is said, and its return noticed', async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  truncateSync(file, 8192);
  await assert.rejects(openTrace(file, { queryProgram }), { reason: 'truncated' });
  rmSync(file);
  await assert.rejects(openTrace(file, { queryProgram }), { reason: 'not_found' });
});

test('a program that is not there is an error, not a wait', async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  await assert.rejects(openTrace(file, { queryProgram: `${queryProgram}.absent.ts` }), {
    reason: 'internal',
  });
});

test('closing ends what is under way, and nothing is answered afterwards', async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const trace = await openTrace(file, { queryProgram });
  t.after(() => trace.close());
  const running = trace.call('sql', { query: endless });
  const over = assert.rejects(running, { reason: 'cancelled' });
  await trace.close();
  await over;
  await assert.rejects(trace.call('stats', {}), { reason: 'cancelled' });
});

test('no picture waits behind an explanation, and closing ends that too', async t => {
  const { file } = temporaryTrace(t);
  const trace = await openTrace(file, { queryProgram });
  t.after(() => trace.close());
  const order: string[] = [];
  const causes = trace.call('causes', {}).then(() => order.push('causes'));
  await trace.call('tracks', undefined).then(() => order.push('tracks'));
  await causes;
  assert.deepEqual(order, ['tracks', 'causes'], 'asked later, answered first: by another process');
  const over = assert.rejects(trace.call('causes', { floorUs: 1 }), { reason: 'cancelled' });
  await trace.close();
  await over;
});

test('a picture goes before numbers that were asked for earlier and have not begun', async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const trace = await openTrace(file, { queryProgram, forPictures: true });
  t.after(() => trace.close());
  const order: string[] = [];
  const said = (what: string) => () => order.push(what);
  await Promise.all([
    trace.call('check', undefined).then(said('under way')),
    trace.call('stats', {}).then(said('numbers')),
    trace.call('tracks', undefined).then(said('picture')),
  ]);
  assert.ok(order.indexOf('picture') < order.indexOf('numbers'), order.join(', '));
});

test('a glance at many files needs one process and keeps none open', async t => {
  const { file, rows } = temporaryTrace(t, { events: 500 });
  const glancer = openGlancer(queryProgram);
  t.after(() => glancer.close());
  const [one, two] = await Promise.all([glancer.glance(file), glancer.glance(file)]);
  assert.equal(one.rows['off_cpu'], rows.off_cpu);
  assert.deepEqual(two, one);
  await assert.rejects(glancer.glance(`${file}.absent`), { reason: 'not_found' });
});

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

test('a query outlives its parent by no more than a moment', {
  skip: !existsSync('/proc/self/task') && 'needs /proc',
}, async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const client = fileURLToPath(new URL('./client.ts', import.meta.url));
  const script = `
    const { openTrace } = await import(${JSON.stringify(client)});
    const trace = await openTrace(${JSON.stringify(file)}, { queryProgram: ${JSON.stringify(queryProgram)} });
    await trace.call('sql', { query: 'SELECT 1' });
    trace.call('sql', { query: ${JSON.stringify(endless)} }).catch(() => {});
    setTimeout(() => console.log('asked'), 300);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(parent.stdout, 'data');
  const children = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim().split(' ');
  assert.equal(children.length, 2, 'one for us, one for SQL');
  parent.kill('SIGKILL');
  const until = Date.now() + 4_000;
  const alive = () =>
    children.filter(
      pid => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
    );
  while (alive().length > 0 && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 20));
  assert.deepEqual(alive(), [], 'before any deadline');
});
