// The two pictures of README.md, taken of the sample trace: the heaviest cause with its lock in sight, and the timeline
// that a click on it leads to.
//
//   pictures.ts TRACE FOLDER

import { join } from 'node:path';
import { openTab, Stage } from '../../test/ui/harness.ts';

const [trace = '', folder = ''] = process.argv.slice(2);
const stage = new Stage();
try {
  const url = await stage.view(trace);
  for (const [theme, name] of [
    ['dark', 'causes'],
    ['light', 'timeline'],
  ] as const) {
    const { page } = await stage.page(`${url}?theme=${theme}`);
    await page.setViewportSize({ width: 1200, height: 720 });
    await openTab(page, 'causes');
    await page.locator('.tree-row[data-edge=lock]').first().click();
    if (name === 'timeline') await openTab(page, 'timeline');
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(folder, `${name}-${theme}.png`) });
    await page.close();
  }
} finally {
  await stage.close();
}
