// The flame graph's sums are the database's.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { figure, figures, openTab, Stage } from './harness.ts';

const stage = new Stage();
let page: Page;
let problems: string[];
let sql: ReturnType<Stage['sql']>;
let durationNs: number;

before(async () => {
  const file = stage.trace('flame');
  sql = stage.sql(file);
  durationNs = Number(sql(`SELECT value AS ns FROM meta WHERE key = 'duration_ns'`)[0]?.['ns']);
  ({ page, problems } = await stage.page(await stage.view(file)));
  await openTab(page, 'flame');
});
after(() => stage.close());

const boxes = async (): Promise<ReadonlyMap<string, readonly [number, number]>> =>
  new Map(
    (await figures(page, '.flame ul li[data-name]')).map(box => [
      box['name'] ?? '',
      [Number(box['timeNs']), Number(box['count'])],
    ]),
  );

const clipped = (table: string): string =>
  `min(coalesce(${table}.start_ns + ${table}.duration_ns, ${durationNs}), ${durationNs}) - ${table}.start_ns`;

test('CUDA: the whole, and a box for each function called from outside', async () => {
  const expected = new Map(
    sql(`SELECT f.name, sum(${clipped('c')}) AS time, count(*) AS n FROM cuda_call c
         JOIN cuda_function f ON f.id = c.function_id WHERE c.parent_id IS NULL GROUP BY f.name`).map(row => [
      String(row['name']),
      [Number(row['time']), Number(row['n'])] as const,
    ]),
  );
  assert.deepEqual(new Map([...(await boxes())].sort()), new Map([...expected].sort()));
  const sums = [...expected.values()];
  assert.equal(
    await figure(page, '.flame', 'total-ns'),
    sums.reduce((sum, [time]) => sum + time, 0),
  );
  assert.equal(
    await figure(page, '.flame', 'count'),
    sums.reduce((sum, [, n]) => sum + n, 0),
  );
});

test('a click zooms into a box, Escape comes out again', async () => {
  const canvas = await page.locator('.flame-canvas').boundingBox();
  assert.ok(canvas !== null);
  const [heaviest] = sql(`SELECT f.name FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id
    WHERE c.parent_id IS NULL GROUP BY f.name ORDER BY sum(duration_ns) DESC LIMIT 1`);
  await page.mouse.click(canvas.x + 10, canvas.y + 19 + 9);
  await page.mouse.move(canvas.x + 10, canvas.y + canvas.height - 4);
  await page.locator('.flame-line b', { hasText: new RegExp(`^all › ${heaviest?.['name']}$`) }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.flame-line b', { hasText: /^all$/ }).waitFor();
});

test('search says the share of all that matches', async () => {
  await page.keyboard.press('Slash');
  await page.keyboard.type('launchkernel');
  const [found] = sql(`SELECT sum(CASE WHEN f.name LIKE '%launchkernel%' THEN ${clipped('c')} END) * 1.0
    / sum(${clipped('c')}) AS share
    FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id WHERE c.parent_id IS NULL`);
  await page.locator('.controls .found[data-share^="0."]').waitFor();
  assert.ok(Math.abs((await figure(page, '.controls .found', 'share')) - Number(found?.['share'])) < 1e-9);
  await page.keyboard.press('Escape');
});

test('off the CPU: a box for each reason', async () => {
  await page.locator('.segment[data-value=off_cpu]').click();
  await page.locator('.flame[data-kind=off_cpu]').waitFor();
  const expected = new Map(
    sql(`SELECT n.name, sum(${clipped('o')}) AS time, count(*) AS n FROM off_cpu o JOIN name n ON n.id = o.reason_id
         GROUP BY n.name`).map(row => [
      String(row['name']),
      [Number(row['time']), Number(row['n'])] as const,
    ]),
  );
  assert.ok(expected.size >= 4);
  assert.deepEqual(new Map([...(await boxes())].sort()), new Map([...expected].sort()));
});

test('one thread alone', async () => {
  const [thread] = sql(
    'SELECT thread_id AS id, count(*) AS n FROM off_cpu GROUP BY thread_id ORDER BY n DESC LIMIT 1',
  );
  await page.locator('vscode-single-select').evaluate((select, value) => {
    (select as HTMLInputElement).value = value;
    select.dispatchEvent(new Event('change'));
  }, String(thread?.['id']));
  await page.locator(`.flame[data-count="${thread?.['n']}"]`).waitFor();
});

test('the page complained about nothing', () => assert.deepEqual(problems, []));
