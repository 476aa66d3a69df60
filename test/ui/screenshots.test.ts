// A picture of each tab, dark and light, for eyes: test/build/screenshots/ui/. What they show is checked elsewhere;
// here it is only that they come out whole.

import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTab, Stage } from './harness.ts';

const stage = new Stage();
const folder = join(import.meta.dirname, '..', 'build', 'screenshots', 'ui');
let url: string;

before(async () => {
  mkdirSync(folder, { recursive: true });
  url = await stage.view(stage.trace('demo', { loss: true }));
});
after(() => stage.close());

for (const theme of ['dark', 'light', 'high-contrast'] as const) {
  test(`each tab in ${theme}`, async () => {
    const { page, problems } = await stage.page(`${url}?theme=${theme}`);
    const shoot = async (name: string): Promise<void> => {
      const path = join(folder, `${name}-${theme}.png`);
      await page.waitForTimeout(500);
      await page.screenshot({ path });
      assert.ok(statSync(path).size > 10_000);
    };
    await openTab(page, 'overview');
    await shoot('overview');
    await openTab(page, 'causes');
    await page.locator('.cause-item', { hasText: 'held by' }).first().click();
    await page.locator('.tree-row[data-edge=lock]').first().click();
    await shoot('causes');
    await openTab(page, 'timeline');
    await shoot('timeline');
    await page.locator('canvas.rows').focus();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Digit0');
    await shoot('timeline-whole');
    await openTab(page, 'flame');
    await shoot('flame');
    await page.locator('.segment[data-value=off_cpu]').click();
    await page.locator('.flame[data-kind=off_cpu]').waitFor();
    await shoot('flame-off-cpu');
    assert.deepEqual(problems, []);
    await page.close();
  });
}
