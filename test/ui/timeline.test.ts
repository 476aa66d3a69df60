// The timeline draws what the database holds, moves as the keys say, and finds events where they are.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Page } from 'playwright-core';
import { figure, figures, openTab, pointAt, Stage, visible } from './harness.ts';

const stage = new Stage();
let page: Page;
let problems: string[];
let sql: ReturnType<Stage['sql']>;
let durationNs: number;
/** The longest CUDA call, and a thread's row it lies on. */
let longest: { id: number; thread: number; start: number; end: number };

before(async () => {
  const file = stage.trace('timeline');
  sql = stage.sql(file);
  durationNs = Number(sql(`SELECT value AS ns FROM meta WHERE key = 'duration_ns'`)[0]?.['ns']);
  const [call] = sql(
    'SELECT id, thread_id, start_ns, duration_ns FROM cuda_call WHERE parent_id IS NULL ORDER BY duration_ns DESC LIMIT 1',
  );
  const start = Number(call?.['start_ns']);
  longest = {
    id: Number(call?.['id']),
    thread: Number(call?.['thread_id']),
    start,
    end: start + Number(call?.['duration_ns']),
  };
  ({ page, problems } = await stage.page(await stage.view(file)));
  await openTab(page, 'timeline');
});
after(() => stage.close());
beforeEach(async () => {
  await page.locator('canvas.rows').focus();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Digit0');
  assert.deepEqual(await visible(page), { startNs: 0, endNs: durationNs });
});

test('every row has the events of its thread or CPU', async () => {
  await page.locator('[data-group=others]').click();
  const shown = new Map(
    (await figures(page, '[data-track]')).map(row => [row['track'], Number(row['count'])]),
  );
  await page.locator('[data-group=others]').click();
  const expected = new Map<string, number>();
  for (const [kind, table, key] of [
    ['cuda', 'cuda_call', 'thread_id'],
    ['off_cpu', 'off_cpu', 'thread_id'],
    ['cpu', 'cpu_slice', 'cpu'],
  ] as const) {
    for (const row of sql(`SELECT ${key} AS key, count(*) AS n FROM ${table} GROUP BY ${key}`)) {
      expected.set(`${kind}:${row['key']}`, Number(row['n']));
    }
  }
  assert.deepEqual(new Map([...shown].sort()), new Map([...expected].sort()));
});

test('thinned to pixels, the rectangles still stand for every event', async () => {
  const tracks = (await figures(page, '[data-track]')).map(row => Number(row['count']));
  // The table for people who hear the page follows the picture after a moment.
  await page.waitForFunction(
    wanted =>
      [...document.querySelectorAll('.timeline tr[data-total]')]
        .map(row => Number((row as HTMLElement).dataset['total']))
        .join() === wanted,
    tracks.join(),
    { timeout: 5000 },
  );
});

test('a click selects the event under it, and the details are its row', async () => {
  const at = await pointAt(page, `cuda:${longest.thread}`, (longest.start + longest.end) / 2);
  await page.mouse.click(at.x, at.y);
  await page.locator(`.details[data-row="cuda_call ${longest.id}"]`).waitFor();
  assert.equal(
    await page.locator('.details [data-column=duration_ns]').getAttribute('data-value'),
    String(longest.end - longest.start),
  );
});

test('F fits the selection; ] and [ walk the events of its row, each one', async () => {
  const at = await pointAt(page, `cuda:${longest.thread}`, (longest.start + longest.end) / 2);
  await page.mouse.click(at.x, at.y);
  await page.locator(`.details[data-row="cuda_call ${longest.id}"]`).waitFor();
  await page.keyboard.press('KeyF');
  const fitted = await visible(page);
  assert.ok(fitted.startNs <= longest.start && fitted.endNs >= longest.end);
  assert.ok(fitted.endNs - fitted.startNs < (longest.end - longest.start) * 1.3);
  const order = sql(
    'SELECT id FROM cuda_call WHERE thread_id = ? AND start_ns > ? ORDER BY start_ns LIMIT 3',
    longest.thread,
    longest.start,
  ).map(row => Number(row['id']));
  for (const id of order) {
    await page.keyboard.press('BracketRight');
    await page.locator(`.details[data-row="cuda_call ${id}"]`).waitFor();
  }
  for (const id of [order[1], order[0], longest.id]) {
    await page.keyboard.press('BracketLeft');
    await page.locator(`.details[data-row="cuda_call ${id}"]`).waitFor();
  }
});

test('W and S zoom, A and D move, 0 shows all', async () => {
  await page.keyboard.press('KeyW');
  const near = await visible(page);
  assert.ok(Math.abs(near.endNs - near.startNs - durationNs / 1.5) < 2);
  await page.keyboard.press('KeyD');
  const right = await visible(page);
  assert.ok(right.startNs > near.startNs);
  assert.equal(right.endNs - right.startNs, near.endNs - near.startNs);
  await page.keyboard.press('ArrowLeft');
  assert.deepEqual(await visible(page), near);
  await page.keyboard.press('KeyS');
  assert.deepEqual(await visible(page), { startNs: 0, endNs: durationNs });
});

test('Ctrl and the wheel zoom at the pointer', async () => {
  const at = await pointAt(page, 'cpu:0', durationNs * 0.7);
  await page.mouse.move(at.x, at.y);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -300);
  await page.keyboard.up('Control');
  const span = await visible(page);
  assert.ok(span.endNs - span.startNs < durationNs * 0.6);
  const moved = await pointAt(page, 'cpu:0', durationNs * 0.7);
  assert.ok(Math.abs(moved.x - at.x) < 1.5, `${moved.x} and ${at.x}`);
});

test('dragging moves the rows with the pointer', async () => {
  await page.keyboard.press('KeyW');
  await page.keyboard.press('KeyW');
  const from = await visible(page);
  const mid = (from.startNs + from.endNs) / 2;
  const at = await pointAt(page, 'cpu:0', mid);
  await page.mouse.move(at.x, at.y);
  await page.mouse.down();
  await page.mouse.move(at.x + 50, at.y, { steps: 4 });
  await page.mouse.move(at.x + 200, at.y, { steps: 4 });
  await page.mouse.up();
  const moved = await pointAt(page, 'cpu:0', mid);
  assert.ok(Math.abs(moved.x - at.x - 200) < 2, `${moved.x - at.x}`);
});

test('Shift-drag selects a range and counts the calls that began in it', async () => {
  const [fromNs, toNs] = [durationNs * 0.25, durationNs * 0.5];
  const from = await pointAt(page, 'cpu:0', fromNs);
  const to = await pointAt(page, 'cpu:0', toNs);
  await page.keyboard.down('Shift');
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 5 });
  await page.mouse.up();
  await page.keyboard.up('Shift');
  await page.locator('.details-head[data-calls]').waitFor();
  await page.waitForTimeout(400);
  // The range's ends are pixels, so the figures are compared within the counts of two pixels' time.
  const pixel = durationNs / ((await page.locator('canvas.rows').boundingBox())?.width ?? 1);
  const count = (start: number, end: number): number =>
    Number(
      sql(
        'SELECT count(*) AS n FROM cuda_call WHERE parent_id IS NULL AND start_ns >= ? AND start_ns < ?',
        Math.round(start),
        Math.round(end),
      )[0]?.['n'],
    );
  const calls = await figure(page, '.details-head', 'calls');
  assert.ok(calls >= count(fromNs + pixel, toNs - pixel), `${calls}`);
  assert.ok(calls <= count(fromNs - pixel, toNs + pixel), `${calls}`);
});

test('search finds a function and Enter goes to its first call', async () => {
  const [first] = sql(
    `SELECT c.id FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id WHERE f.name = 'cudaDeviceSynchronize'
     ORDER BY c.start_ns LIMIT 1`,
  );
  await page.keyboard.press('Slash');
  await page.keyboard.type('cudadevicesync');
  await page.keyboard.press('Enter');
  await page.locator(`.details[data-row="cuda_call ${first?.['id']}"]`).waitFor();
  await page.keyboard.press('Escape');
});

test('? lists the keys, Esc closes the list', async () => {
  await page.keyboard.press('Shift+Slash');
  assert.equal(
    await page.locator('dialog.help').evaluate(dialog => (dialog as HTMLDialogElement).open),
    true,
  );
  await page.keyboard.press('Escape');
  assert.equal(
    await page.locator('dialog.help').evaluate(dialog => (dialog as HTMLDialogElement).open),
    false,
  );
});

test('hovering says what is there', async () => {
  const at = await pointAt(page, `cuda:${longest.thread}`, (longest.start + longest.end) / 2);
  await page.mouse.move(at.x, at.y);
  const [name] = sql(
    'SELECT f.name FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id WHERE c.id = ?',
    longest.id,
  );
  assert.match(await page.locator('.tooltip').innerText(), new RegExp(String(name?.['name'])));
});

test('the page complained about nothing', () => assert.deepEqual(problems, []));
