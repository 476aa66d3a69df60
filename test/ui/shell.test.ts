// What holds in every tab: themes live, state kept, files that cannot be shown, names of a stranger, and a server that
// answers its own page alone.

import assert from 'node:assert/strict';
import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { openTab, pointAt, Stage, visible } from './harness.ts';

const stage = new Stage();
let file: string;
let url: string;

before(async () => {
  file = stage.trace('shell');
  url = await stage.view(file);
});
after(() => stage.close());

/** The colour of the picture at a point of the page, as the browser has drawn it. */
const colourAt = (page: Page, at: { x: number; y: number }): Promise<string> =>
  page.locator('canvas.rows').evaluate((canvas, point) => {
    const box = canvas.getBoundingClientRect();
    const [r, g, b] =
      (canvas as HTMLCanvasElement)
        .getContext('2d')
        ?.getImageData((point.x - box.left) * devicePixelRatio, (point.y - box.top) * devicePixelRatio, 1, 1)
        .data ?? [];
    return `#${[r, g, b].map(part => (part ?? 0).toString(16).padStart(2, '0')).join('')}`;
  }, at);

test('dark and light have their own colours, and switch while the page lives', async () => {
  const { page } = await stage.page(url);
  const [call] = stage.sql(file)(
    `SELECT c.thread_id AS thread, c.start_ns + c.duration_ns * 9 / 10 AS late FROM cuda_call c
     JOIN cuda_function f ON f.id = c.function_id
     WHERE f.category = 'launch' AND c.parent_id IS NULL ORDER BY c.duration_ns DESC LIMIT 1`,
  );
  await openTab(page, 'timeline');
  const at = await pointAt(page, `cuda:${call?.['thread']}`, Number(call?.['late']));
  assert.equal(await colourAt(page, at), '#4f8ef7');
  await page.evaluate(() => document.body.classList.replace('vscode-dark', 'vscode-light'));
  await page.waitForTimeout(100);
  assert.equal(await colourAt(page, at), '#2f6fe0');
  await page.close();
});

for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light']) {
  test(`every tab opens in ${theme}`, async () => {
    const { page, problems } = await stage.page(`${url}?theme=${theme}`);
    for (const tab of ['timeline', 'flame', 'causes', 'overview'] as const) await openTab(page, tab);
    assert.deepEqual(problems, []);
    await page.close();
  });
}

test('tab, stretch and selection come back after a reload', async () => {
  const { page } = await stage.page(url);
  await openTab(page, 'causes');
  const item = page.locator('.cause-item').nth(1);
  await item.click();
  const cause = await item.getAttribute('data-cause');
  await openTab(page, 'timeline');
  await page.locator('canvas.rows').focus();
  await page.keyboard.press('KeyW');
  const before = await visible(page);
  const row = await page.locator('.details').getAttribute('data-row');
  await page.waitForTimeout(400);
  await page.reload();
  await page.locator('.shell').waitFor();
  assert.equal(await page.locator('[role=tab][data-tab=timeline]').getAttribute('aria-selected'), 'true');
  assert.deepEqual(await visible(page), before);
  await page.locator(`.details[data-row="${row}"]`).waitFor();
  await openTab(page, 'causes');
  await page.locator(`.chosen[data-cause="${cause}"]`).waitFor();
  await page.close();
});

function altered(path: string, statement: string): void {
  copyFileSync(file, path);
  const database = new DatabaseSync(path);
  database.exec(statement);
  database.close();
}

const broken: readonly (readonly [string, (path: string) => void, string])[] = [
  ['empty', path => writeFileSync(path, ''), 'empty'],
  ['random', path => writeFileSync(path, Buffer.alloc(8192, 'no database')), 'not_a_database'],
  [
    'truncated',
    path => {
      copyFileSync(file, path);
      truncateSync(path, 20_000);
    },
    'truncated',
  ],
  [
    'foreign',
    path => {
      const database = new DatabaseSync(path);
      database.exec('CREATE TABLE recipes (name TEXT)');
      database.close();
    },
    'foreign',
  ],
  ['newer', path => altered(path, 'PRAGMA user_version = 99'), 'newer'],
  ['still being written', path => altered(path, 'PRAGMA journal_mode = WAL'), 'wal'],
];
for (const [name, make, reason] of broken) {
  test(`a file that is ${name} gets its sentence, not an empty picture`, async () => {
    const path = join(stage.folder, `${name}.wakechain.db`);
    make(path);
    const { page } = await stage.page(await stage.view(path));
    const failure = page.locator('.failure');
    await failure.waitFor();
    assert.equal(await failure.getAttribute('data-reason'), reason);
    assert.ok((await failure.locator('h1').innerText()).length > 20);
    assert.equal(await page.locator('canvas').count(), 0);
    await page.close();
  });
}

test('a capture of nothing says so in every tab', async () => {
  const path = join(stage.folder, 'nothing.wakechain.db');
  const tables = ['cuda_call', 'off_cpu', 'cpu_slice', 'cpu_sample'];
  altered(path, `PRAGMA foreign_keys = OFF; ${tables.map(table => `DELETE FROM ${table};`).join(' ')}`);
  const { page, problems } = await stage.page(await stage.view(path));
  await page.locator('.overview .empty').waitFor();
  assert.match(await page.locator('.overview').innerText(), /No CUDA call was recorded/);
  for (const tab of ['timeline', 'causes'] as const) {
    await openTab(page, tab);
    assert.ok((await page.locator(`.panel-${tab} .empty`).innerText()).length > 20);
  }
  await openTab(page, 'flame');
  assert.match(await page.locator('.panel-flame .empty').innerText(), /No CUDA call/);
  assert.deepEqual(problems, []);
  await page.close();
});

test('names from the host are text: markup shows as it is written, control characters are gone', async () => {
  const path = join(stage.folder, 'hostile.wakechain.db');
  copyFileSync(file, path);
  const database = new DatabaseSync(path);
  const name = '<img src=x onerror="document.title=1">\u202egpj.\u0007';
  database.prepare('UPDATE thread SET name = ?').run(name);
  database.prepare('UPDATE process SET name = ?').run(name);
  database.prepare('UPDATE cuda_function SET name = name || ?').run('<script>document.title=2</script>');
  database.close();
  const { page, problems } = await stage.page(await stage.view(path));
  for (const tab of ['overview', 'timeline', 'flame', 'causes'] as const) {
    await openTab(page, tab);
    assert.equal(await page.locator('img, script:not([nonce])').count(), 0, tab);
    const text = await page.locator(`.panel-${tab}`).innerText();
    assert.doesNotMatch(text, /[\u0007\u202e]/, tab);
    if (tab !== 'flame') assert.match(text, /<img src=x/, tab);
  }
  assert.equal(await page.title(), 'Wakechain');
  assert.deepEqual(problems, []);
  await page.close();
});

test('the policy lets nothing run but the page itself', async () => {
  const { page } = await stage.page(url);
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'document.title = "ran"';
    document.body.append(script);
    const fetched = await fetch('https://example.invalid/').then(
      () => true,
      () => false,
    );
    return [document.title, fetched];
  });
  assert.deepEqual(ran, ['Wakechain', false]);
  await page.close();
});

const status = (path: string, headers: Record<string, string> = {}): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, path, headers }, response => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

test('only the printed address answers, and only to its own name', async () => {
  const { pathname, host } = new URL(url);
  assert.equal(await status(pathname), 200);
  assert.equal(await status('/'), 404);
  assert.equal(await status(pathname.replace(/.\/$/, '0/')), 404);
  assert.equal(await status(`${pathname}../../package.json`), 404);
  assert.equal(await status(`${pathname}schema.sql`), 404);
  assert.equal(await status(pathname, { host: 'rebound.example' }), 404);
  assert.equal(await status(pathname, { host, origin: 'https://evil.example' }), 404);
});

test('the socket refuses pages of others', async () => {
  const socket = url.replace('http', 'ws');
  const opened = (headers: Record<string, string>): Promise<boolean> =>
    new Promise(resolve => {
      const page = new WebSocket(`${socket}socket`, { headers });
      page.on('open', () => {
        page.terminate();
        resolve(true);
      });
      page.on('error', () => resolve(false));
    });
  const { origin } = new URL(url);
  assert.equal(await opened({ origin }), true);
  assert.equal(await opened({ origin: 'https://evil.example' }), false);
  assert.equal(await opened({}), false);
  assert.equal(await opened({ origin, host: 'rebound.example' }), false);
});

test('a reduced window keeps the tabs usable', async () => {
  const { page, problems } = await stage.page(url);
  await page.setViewportSize({ width: 620, height: 500 });
  for (const tab of ['timeline', 'flame', 'causes', 'overview'] as const) {
    await openTab(page, tab);
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(sideways <= 0, `${tab} is ${sideways} px too wide`);
  }
  assert.deepEqual(problems, []);
  await page.close();
});

test('in a narrow page belief stays whole beside the tabs; what it tells less of goes first', async () => {
  const { page, problems } = await stage.page(url);
  const shown = async (width: number): Promise<readonly string[]> => {
    await page.setViewportSize({ width, height: 700 });
    const [tabs, line] = [
      await page.locator('.tabs').boundingBox(),
      await page.locator('.belief').boundingBox(),
    ];
    const verdict = await page.locator('.belief > .good, .belief > .loud').boundingBox();
    assert.ok(tabs !== null && line !== null && verdict !== null, `${width}`);
    assert.ok(tabs.x + tabs.width <= line.x, `${width}: the tabs run into the line`);
    assert.ok(verdict.x + verdict.width <= width, `${width}: the verdict is cut off`);
    const parts = ['host', 'when', 'events'];
    const seen = await Promise.all(parts.map(part => page.locator(`.belief .${part}`).isVisible()));
    return parts.filter((_, index) => seen[index]);
  };
  assert.deepEqual(await shown(1400), ['host', 'when', 'events']);
  assert.deepEqual(await shown(800), ['host', 'events']);
  assert.deepEqual(await shown(640), ['host']);
  assert.deepEqual(await shown(480), []);
  await openTab(page, 'causes');
  const clock = page.locator('.strip-tick.first');
  const axis = await page.locator('.strip-axis').boundingBox();
  const at = (await clock.isVisible()) ? await clock.boundingBox() : undefined;
  assert.ok(
    axis !== null && (at === undefined || (at !== null && at.x + at.width <= axis.x + axis.width + 1)),
  );
  assert.deepEqual(problems, []);
});
