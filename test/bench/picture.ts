// A trace of a million events in a real browser: from opening it to the first picture of the timeline, and what panning
// costs in frames.
// Software rendering, 1400 x 800. No rival runs beside it: there is none that opens this file.

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { type Bench, ms } from '../../scripts/bench/report.ts';
import { serve } from '../../scripts/view/server.ts';
import { generate } from '../fixtures/generate.ts';
import { launchBrowser } from '../lib/browser.ts';
import { withFolder } from '../lib/programs.ts';

const EVENTS = 1_000_000;
const FRAMES = 120;

export const bench: Bench = root =>
  withFolder(async folder => {
    const file = join(folder, 'million.wakechain.db');
    generate(file, { events: EVENTS, seed: 1 });
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1400, height: 800 } });
      // The page as it would be after a reload on the Timeline tab: its picture is what is waited for.
      const begin = performance.now();
      const viewer = await serve({ file, dist: join(root, 'dist'), log: line => console.error(line) });
      try {
        await page.goto(viewer.url);
        await page.getByRole('tab', { name: 'Overview' }).waitFor();
        const overviewMs = performance.now() - begin;
        await page.getByRole('tab', { name: 'Timeline' }).click();
        await page.locator('.timeline[data-settled="true"]').waitFor({ timeout: 120_000 });
        const timelineMs = performance.now() - begin;
        const frames = await pan(page);
        return [
          {
            what: '1 M events: open to the page',
            target: '',
            measured: ms(overviewMs),
            rival: '',
            ratio: '',
          },
          {
            what: '1 M events: open to first picture of the timeline',
            target: '<= 1 s',
            measured: ms(timelineMs),
            rival: '',
            ratio: '',
          },
          {
            what: '1 M events: pan, p95 of frames',
            target: '<= 16 ms',
            measured: ms(frames[Math.floor(frames.length * 0.95)] ?? 0),
            rival: '',
            ratio: '',
          },
        ];
      } finally {
        await viewer.close();
      }
    } finally {
      await browser.close();
    }
  });

/** Intervals between frames while the timeline is panned by key, ascending, in milliseconds. */
async function pan(page: Page): Promise<readonly number[]> {
  await page.locator('.timeline canvas.rows').focus();
  for (let zoom = 0; zoom < 6; zoom++) await page.keyboard.press('KeyW');
  const measured = page.evaluate(
    count =>
      new Promise<number[]>(resolve => {
        const intervals: number[] = [];
        let last = performance.now();
        const frame = () => {
          const now = performance.now();
          intervals.push(now - last);
          last = now;
          if (intervals.length < count) requestAnimationFrame(frame);
          else resolve(intervals);
        };
        requestAnimationFrame(frame);
      }),
    FRAMES,
  );
  await page.keyboard.down('KeyD');
  const intervals = await measured;
  await page.keyboard.up('KeyD');
  return intervals.toSorted((a, b) => a - b);
}
