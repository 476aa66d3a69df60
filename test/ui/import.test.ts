// Another tool's database in the viewer: imported, shown, its claims read again; and files that nobody can read.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { writeIngero } from '../fixtures/ingero.ts';
import { figure, figures, openTab, Stage } from './harness.ts';

const stage = new Stage();
after(() => stage.close());

test('`npm run view` on an Ingero database shows it, and what its claims are worth', async () => {
  const file = join(stage.folder, 'run.db');
  writeIngero(file, { version: '0.10' });
  const before = createHash('sha256').update(readFileSync(file)).digest('hex');
  const { page, problems } = await stage.page(await stage.view(file));
  await page.locator('.claims').waitFor();
  const sql = stage.sql(file);
  const claims = Number(sql('SELECT count(*) AS n FROM causal_chains')[0]?.['n']);
  assert.equal(await figure(page, '.claims', 'total'), claims);
  const text = await page.locator('.claims').innerText();
  assert.match(text, /What Ingero said, read again/);
  assert.match(text, /Ingero gives 6 causes, 4 of them CPU contention/);
  assert.match(text, /was off the CPU for \d+ %/);
  await page.locator('.claims summary').click();
  const cards = await figures(page, '.claims .card');
  assert.equal(
    cards.reduce((sum, card) => sum + Number(card['count']), 0),
    claims,
    'every claim is there',
  );
  assert.ok(cards.some(card => card['verdict'] === 'cannot_check'));
  assert.match(await page.locator('.claims').innerText(), /cannot be checked from this file/);

  const belief = await page.locator('#belief').innerText();
  assert.match(belief, /Imported from run\.db of Ingero \(its version 0\.10\)/);
  assert.match(belief, /records no reasons, wakers or lock holders/);
  assert.match(await page.locator('.facts').innerText(), /imported\s+from run\.db of Ingero/);
  assert.equal(await page.locator('table.gaps').count(), 0, 'no idle time is told of sampled calls');

  await page.locator('.claims [data-action=timeline]').first().click();
  await page.locator('.timeline[data-settled=true]').waitFor();
  await openTab(page, 'causes');
  assert.deepEqual(problems, []);
  assert.equal(createHash('sha256').update(readFileSync(file)).digest('hex'), before);
});

test("a database that is nobody's is refused with what is allowed", async () => {
  const file = join(stage.folder, 'cookies.db');
  const db = new DatabaseSync(file);
  db.exec('CREATE TABLE cookies (name TEXT)');
  db.close();
  const { page } = await stage.page(await stage.view(file));
  const text = await page.locator('.failure').innerText();
  assert.match(text, /neither a trace of Wakechain nor one of Ingero: it has no table events/);
  assert.match(text, /NAME\.wakechain\.db/);
  assert.equal(await page.locator('[data-action=import]').count(), 0);
});
