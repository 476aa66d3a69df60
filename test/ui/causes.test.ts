// The tree of causes stands on rows of the database, and a click on a step moves the timeline there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { figure, figures, openTab, Stage, visible } from './harness.ts';

const stage = new Stage();
let page: Page;
let problems: string[];
let sql: ReturnType<Stage['sql']>;

before(async () => {
  const file = stage.trace('causes');
  sql = stage.sql(file);
  ({ page, problems } = await stage.page(await stage.view(file)));
  await openTab(page, 'causes');
});
after(() => stage.close());

/** The first cause of the list whose tree goes through a lock's holder. */
async function chooseLock(): Promise<void> {
  const held = page.locator('.cause-item', { hasText: 'held by' }).first();
  await held.click();
  await page.locator('.tree-row[data-edge=held_by]').first().waitFor();
}

test('the rows of each level add up to their parent, to the nanosecond', async () => {
  for (const item of await page.locator('.cause-item').all()) {
    await item.click();
    await page.locator('.tree-row').first().waitFor();
    const rows = await figures(page, '.tree-row');
    for (const row of rows) {
      const children = rows.filter(
        child => child['key']?.replace(/\.\d+$/, '') === row['key'] && child['key'] !== row['key'],
      );
      if (children.length === 0) continue;
      assert.equal(
        children.reduce((sum, child) => sum + Number(child['timeNs']), 0),
        Number(row['timeNs']),
        row['key'],
      );
    }
  }
});

test('the wait for the lock is that row of off_cpu, with its start and length', async () => {
  await chooseLock();
  const lock = page.locator('.tree-row[data-edge=lock]').first();
  await lock.click();
  const evidence = page.locator('.evidence tr[data-row^=off_cpu]').first();
  await evidence.waitFor();
  const id = Number((await evidence.getAttribute('data-row'))?.split(' ')[1]);
  const [row] = sql('SELECT start_ns, duration_ns FROM off_cpu WHERE id = ?', id);
  const start = Number(await lock.getAttribute('data-start-ns'));
  const length = Number(await lock.getAttribute('data-duration-ns'));
  assert.ok(start >= Number(row?.['start_ns']));
  assert.ok(start + length <= Number(row?.['start_ns']) + Number(row?.['duration_ns']));
});

test('every row of evidence exists', async () => {
  await chooseLock();
  for (const step of await page.locator('.tree-row').all()) {
    await step.click();
    await page.locator('.evidence').waitFor();
    await page.waitForTimeout(60);
    for (const { row } of await figures(page, '.evidence tr[data-row]')) {
      const [table, key] = row?.split(' ') ?? [];
      const [cpu, start] = key?.split('/') ?? [];
      const [found] =
        table === 'cpu_slice'
          ? sql(
              'SELECT count(*) AS n FROM cpu_slice WHERE cpu = ? AND start_ns = ?',
              Number(cpu),
              Number(start),
            )
          : sql(`SELECT count(*) AS n FROM ${table} WHERE id = ?`, Number(key));
      assert.equal(found?.['n'], 1, row);
    }
  }
});

test('a click on a step moves the timeline to that interval, and marks it there', async () => {
  await openTab(page, 'timeline');
  await page.locator('canvas.rows').focus();
  await page.keyboard.press('Digit0');
  await openTab(page, 'causes');
  await chooseLock();
  const step = page.locator('.tree-row[data-edge=held_by]').first();
  await step.click();
  const start = Number(await step.getAttribute('data-start-ns'));
  const end = start + Number(await step.getAttribute('data-duration-ns'));
  const thread = await step.getAttribute('data-thread');
  await openTab(page, 'timeline');
  const span = await visible(page);
  assert.ok(span.startNs <= start && end <= span.endNs, JSON.stringify({ span, start, end }));
  assert.ok(span.endNs - span.startNs <= (end - start) * 1.3 + 200);
  const marked = await figures(page, '.row-name.selected');
  assert.ok(marked.some(row => row['track'] === `off_cpu:${thread}`));
  await openTab(page, 'causes');
});

test('back: an event selected in the timeline is the step that stands on it', async () => {
  await chooseLock();
  await page.locator('.tree-row[data-edge=lock]').first().click();
  const row = await page.locator('.evidence tr[data-row^=off_cpu]').first().getAttribute('data-row');
  await page.locator('.tree-row').first().click();
  await openTab(page, 'timeline');
  const [event] = sql(
    'SELECT thread_id, start_ns, duration_ns FROM off_cpu WHERE id = ?',
    Number(row?.split(' ')[1]),
  );
  const span = await visible(page);
  const canvas = await page.locator('canvas.rows').boundingBox();
  const name = await page.locator(`[data-track="off_cpu:${event?.['thread_id']}"]`).boundingBox();
  assert.ok(canvas !== null && name !== null);
  const middle = Number(event?.['start_ns']) + Number(event?.['duration_ns']) / 2;
  await page.mouse.click(
    canvas.x + ((middle - span.startNs) / (span.endNs - span.startNs)) * canvas.width,
    name.y + name.height / 2,
  );
  await page.locator(`.details[data-row="${row}"]`).waitFor();
  await openTab(page, 'causes');
  assert.equal(await page.locator('.tree-row[aria-selected=true]').getAttribute('data-edge'), 'lock');
});

test('the tree walks, closes and opens by the keyboard', async () => {
  await chooseLock();
  await page.locator('.tree-row').first().click();
  const selected = page.locator('.tree-row[aria-selected=true]');
  const keyOf = (): Promise<string | null> => selected.getAttribute('data-key');
  assert.equal(await keyOf(), '0');
  const all = await page.locator('.tree-row').count();
  await page.keyboard.press('ArrowDown');
  assert.equal(await keyOf(), '0.0');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await keyOf(), '0');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.locator('.tree-row').count(), 1);
  assert.equal(await selected.getAttribute('aria-expanded'), 'false');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator('.tree-row').count(), all);
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('[role=tab][data-tab=timeline]').getAttribute('aria-selected'), 'true');
  await openTab(page, 'causes');
});

test('the list says how often and how long, as the cards of the Overview do', async () => {
  const listed = new Map((await figures(page, '.cause-item')).map(item => [item['cause'], item['timeNs']]));
  await openTab(page, 'overview');
  const cards = await figures(page, '.card');
  assert.ok(cards.length > 0);
  for (const card of cards) assert.equal(listed.get(card['cause']), card['timeNs']);
  assert.ok((await figure(page, '.headline', 'total-ns')) > 0);
});

test('the page complained about nothing', () => assert.deepEqual(problems, []));
