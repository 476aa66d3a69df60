// The viewer as a person gets it: `npm run view` on a trace, in a real browser. The numbers of the pictures are
// compared with SQL straight on the file, which knows nothing of our code.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser, Page } from 'playwright-core';
import { generate } from '../fixtures/generate.ts';
import { launchBrowser } from '../lib/browser.ts';

const root = join(import.meta.dirname, '..', '..');

const WIDTH = 1400;
const HEIGHT = 820;

/** Everything a test opened; closed in the end, in the other order. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'wakechain-ui-'));
  readonly #viewers: ChildProcess[] = [];
  readonly #databases: DatabaseSync[] = [];
  #browser: Browser | undefined;

  trace(name: string, options: Parameters<typeof generate>[1] = {}): string {
    const file = join(this.folder, `${name}.wakechain.db`);
    generate(file, { sha256: true, ...options });
    return file;
  }

  /** Rows of a query; integers as numbers. */
  sql(
    file: string,
  ): (query: string, ...values: (string | number)[]) => Record<string, number | string | null>[] {
    const database = new DatabaseSync(file, { readOnly: true });
    this.#databases.push(database);
    return (query, ...values) =>
      database.prepare(query).all(...values) as Record<string, number | string | null>[];
  }

  /** The address that `npm run view -- FILE --no-open` prints. */
  async view(file: string): Promise<string> {
    const viewer = spawn('node', [join(root, 'scripts', 'view.mjs'), file, '--no-open'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#viewers.push(viewer);
    return new Promise((resolve, reject) => {
      viewer.stdout.once('data', (data: Buffer) => resolve(String(data).trim()));
      viewer.once('exit', code =>
        reject(new Error(`the viewer ended with ${code} before it printed an address`)),
      );
    });
  }

  /** A page on that address; whatever it complains about fails the test that asks `problems`. */
  async page(url: string): Promise<{ readonly page: Page; readonly problems: string[] }> {
    this.#browser ??= await launchBrowser();
    const page = await this.#browser.newPage({ viewport: { width: WIDTH, height: HEIGHT } });
    const problems: string[] = [];
    page.on('console', message => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text());
    });
    page.on('pageerror', error => problems.push(error.message));
    await page.goto(url);
    await page.locator('.shell, .failure').waitFor();
    return { page, problems };
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    for (const database of this.#databases) database.close();
    await Promise.all(
      this.#viewers.map(viewer => {
        const ended = new Promise(resolve => viewer.once('exit', resolve));
        viewer.kill('SIGTERM');
        return viewer.exitCode === null ? ended : undefined;
      }),
    );
    rmSync(this.folder, { recursive: true });
  }
}

export async function openTab(page: Page, tab: 'overview' | 'timeline' | 'flame' | 'causes'): Promise<void> {
  await page.locator(`[role=tab][data-tab=${tab}]`).click();
  const ready = {
    overview: '.overview table.functions, .overview .empty',
    timeline: '.timeline[data-settled=true], .timeline .empty',
    flame: '.flame[data-count]',
    causes: '.causes .cause-item, .causes .empty',
  }[tab];
  await page.locator(ready).first().waitFor();
}

/** A `data-*` attribute of the first such element, as a number. */
export async function figure(page: Page, selector: string, attribute: string): Promise<number> {
  const text = await page.locator(selector).first().getAttribute(`data-${attribute}`);
  assert.notEqual(text, null, `${selector} has no data-${attribute}`);
  return Number(text);
}

/** The `data-*` attributes of all such elements. */
export const figures = (page: Page, selector: string): Promise<Record<string, string>[]> =>
  page
    .locator(selector)
    .evaluateAll(elements =>
      elements.map(element => ({ ...(element as HTMLElement).dataset }) as Record<string, string>),
    );

export interface Visible {
  readonly startNs: number;
  readonly endNs: number;
}

/** What the timeline shows, once it has stopped moving and its rectangles have come. */
export async function visible(page: Page): Promise<Visible> {
  await page.waitForTimeout(60);
  await page.locator('.timeline[data-settled=true]').waitFor();
  return {
    startNs: await figure(page, '.timeline', 'start-ns'),
    endNs: await figure(page, '.timeline', 'end-ns'),
  };
}

/** Where a time stands on the canvas of the rows, in pixels of the page. */
export async function pointAt(
  page: Page,
  track: string,
  atNs: number,
  depth = 0,
): Promise<{ x: number; y: number }> {
  const span = await visible(page);
  const canvas = await page.locator('canvas.rows').boundingBox();
  const row = await page.locator(`[data-track="${track}"]`).boundingBox();
  assert.ok(canvas !== null && row !== null, `${track} is not in sight`);
  return {
    x: canvas.x + ((atNs - span.startNs) / (span.endNs - span.startNs)) * canvas.width,
    y: row.y + 8 + depth * 18,
  };
}
