// The Overview says what the database holds: every figure against SQL on the file.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { figure, figures, openTab, Stage } from './harness.ts';

const stage = new Stage();
let page: Page;
let problems: string[];
let sql: ReturnType<Stage['sql']>;

before(async () => {
  const file = stage.trace('overview', { loss: true });
  sql = stage.sql(file);
  ({ page, problems } = await stage.page(await stage.view(file)));
  await openTab(page, 'overview');
});
after(() => stage.close());

test('each CUDA function: count, sum, longest and 99th percentile by nearest rank', async () => {
  const expected = sql(`
    WITH ranked AS (
      SELECT f.name, c.duration_ns AS d, row_number() OVER (PARTITION BY f.id ORDER BY c.duration_ns) AS place,
             count(*) OVER (PARTITION BY f.id) AS n
      FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id WHERE c.duration_ns IS NOT NULL)
    SELECT name, count(*) AS count, max(d) AS longest, sum(d) AS total,
           min(CASE WHEN place >= 0.99 * n THEN d END) AS p99
    FROM ranked GROUP BY name ORDER BY name`);
  assert.ok(expected.length >= 5);
  const shown = (await figures(page, '.functions tr[data-function]'))
    .map(row => ({
      name: row['function'],
      count: Number(row['count']),
      longest: Number(row['maxNs']),
      total: Number(row['totalNs']),
      p99: Number(row['p99Ns']),
    }))
    .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  assert.deepEqual(
    shown,
    expected.map(row => ({ ...row })),
  );
});

test('time off the CPU of each thread', async () => {
  const [capture] = sql(`SELECT value AS ns FROM meta WHERE key = 'duration_ns'`);
  const end = Number(capture?.['ns']);
  const expected = new Map(
    sql(
      `SELECT thread_id, sum(coalesce(duration_ns, ${end} - start_ns)) AS total FROM off_cpu GROUP BY thread_id`,
    ).map(row => [Number(row['thread_id']), Number(row['total'])]),
  );
  const shown = await figures(page, '.threads tbody tr');
  assert.ok(shown.length >= 4);
  for (const row of shown)
    assert.equal(Number(row['totalNs']), expected.get(Number(row['thread'])), row['thread']);
});

test('the bar is the whole of the slow time', async () => {
  // Its answer comes from another process than the numbers below it.
  await page.locator('.answer .bar-large').waitFor();
  const pieces = await figures(page, '.answer .bar-large .paint');
  const sum = pieces.reduce((total, piece) => total + Number(piece['timeNs']), 0);
  assert.equal(sum, await figure(page, '.headline', 'total-ns'));
  assert.ok(sum > 0);
});

test('what was lost is said at the top right, loudly, and in words below', async () => {
  const [lost] = sql('SELECT sum(events) AS n FROM loss');
  assert.equal(await figure(page, '.belief', 'lost'), lost?.['n']);
  assert.match(await page.locator('.belief .loud').innerText(), /[\d,]+ events lost/);
  assert.ok((await page.locator('#belief li').count()) > 0);
});

test('the count of events is the rows of the event tables', async () => {
  const tables = [
    'cuda_call',
    'off_cpu',
    'cpu_slice',
    'cpu_sample',
    'syscall',
    'block_io',
    'memory_stall',
    'tcp_retransmit',
    'instant',
  ];
  const rows = tables.map(table => Number(sql(`SELECT count(*) AS n FROM ${table}`)[0]?.['n']));
  assert.equal(
    await figure(page, '.belief', 'events'),
    rows.reduce((sum, n) => sum + n, 0),
  );
});

test('a cause leads to its chain', async () => {
  const cause = await page.locator('.card').first().getAttribute('data-cause');
  await page.locator('.card [data-action=chain]').first().click();
  await page.locator('.tree-row').first().waitFor();
  assert.equal(await page.locator('.chosen').getAttribute('data-cause'), cause);
});

test('the page complained about nothing', () => assert.deepEqual(problems, []));
