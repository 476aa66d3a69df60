// The whole capture in one picture: the states of each thread take the share of its row that they took of its time.
// Pixels of the canvas against SQL on the file.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { figures, openTab, Stage, visible } from './harness.ts';

const stage = new Stage();
after(() => stage.close());

/** What a thread was doing, as far as colours tell it. */
const COLOUR_OF: Readonly<Record<string, string>> = {
  preempted: 'runnable',
  yielded: 'runnable',
  throttled: 'runnable',
  futex: 'lock',
  kernel_lock: 'lock',
  sleep: 'sleep',
  poll: 'network',
  pipe: 'network',
  socket: 'network',
  disk: 'disk',
  page_fault: 'page-fault',
  gpu: 'gpu',
};
const COLOURS = ['running', 'runnable', 'lock', 'disk', 'network', 'gpu', 'sleep', 'page-fault', 'other'];

type Shares = Readonly<Record<string, number>>;

/** Share of each state in the time between a thread's first event and the end of its last. */
function sharesInFile(sql: ReturnType<Stage['sql']>, thread: number, durationNs: number): Shares {
  const rows = sql(
    `SELECT n.name AS reason, start_ns AS start, start_ns + coalesce(duration_ns, ${durationNs} - start_ns) AS end,
            coalesce(runnable_ns, 0) AS runnable
     FROM off_cpu o JOIN name n ON n.id = o.reason_id WHERE thread_id = ? ORDER BY start_ns`,
    thread,
  );
  const times = new Map<string, number>();
  const add = (state: string, time: number): void => {
    times.set(state, (times.get(state) ?? 0) + time);
  };
  for (const row of rows) {
    const runnable = Number(row['runnable']);
    add('runnable', runnable);
    add(COLOUR_OF[String(row['reason'])] ?? 'other', Number(row['end']) - Number(row['start']) - runnable);
  }
  const all = Number(rows.at(-1)?.['end']) - Number(rows[0]?.['start']);
  const off = [...times.values()].reduce((sum, time) => sum + time, 0);
  add('running', all - off);
  return Object.fromEntries([...times].map(([state, time]) => [state, time / all]));
}

/**
 * Share of each colour of the legend among the painted pixels of a row that have one. Stripes darken waiting for a
 * CPU; `other ink`, as a share of all pixels, is words and the stripes' edges.
 */
const sharesPainted = (page: Page, track: string): Promise<Shares> =>
  page.evaluate(
    ({ track: wanted, colours }) => {
      const canvas = document.querySelector<HTMLCanvasElement>('canvas.rows');
      const row = document.querySelector(`[data-track="${wanted}"]`);
      const context = canvas?.getContext('2d');
      if (canvas === null || row === null || context === null || context === undefined)
        throw new Error(`${wanted} is not in sight`);
      const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
      const known = colours.map(name => {
        if (probe === null) throw new Error('no canvas');
        probe.fillStyle = getComputedStyle(document.body).getPropertyValue(`--wc-${name}`).trim();
        probe.fillRect(0, 0, 1, 1);
        return { name, rgb: [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)] };
      });
      const room = row.getBoundingClientRect();
      const top = room.top - canvas.getBoundingClientRect().top;
      const { data } = context.getImageData(
        0,
        Math.round(top) + 1,
        canvas.width,
        Math.round(room.height) - 2,
      );
      const counts: Record<string, number> = {};
      let all = 0;
      let ink = 0;
      const waiting = known.find(({ name }) => name === 'runnable')?.rgb ?? [];
      const isStriped = (at: number): boolean => {
        const shade = (data[at] ?? 0) / (waiting[0] ?? 1);
        return (
          shade > 0.5 &&
          shade < 1 &&
          waiting.every((value, i) => Math.abs(value * shade - (data[at + i] ?? 0)) < 3)
        );
      };
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] === 0) continue;
        const is = (rgb: readonly number[]): boolean =>
          rgb.every((value, i) => Math.abs(value - (data[at + i] ?? 0)) <= 1);
        const name = known.find(({ rgb }) => is(rgb))?.name ?? (isStriped(at) ? 'runnable' : undefined);
        if (name === undefined) ink += 1;
        else {
          counts[name] = (counts[name] ?? 0) + 1;
          all += 1;
        }
      }
      const shares = Object.entries(counts).map(([name, count]) => [name, count / all]);
      return { ...Object.fromEntries(shares), 'other ink': ink / (all + ink) };
    },
    { track, colours: COLOURS },
  );

for (const [name, open] of [
  ['the sample', () => join(import.meta.dirname, '..', '..', 'media', 'sample.wakechain.db')],
  ['a generated trace', () => stage.trace('states')],
] as const) {
  test(`painted shares are the shares of the file, in the legend's colours: ${name}`, async () => {
    const file = open();
    const sql = stage.sql(file);
    const durationNs = Number(sql(`SELECT value AS ns FROM meta WHERE key = 'duration_ns'`)[0]?.['ns']);
    const { page } = await stage.page(await stage.view(file));
    await openTab(page, 'timeline');
    await page.locator('canvas.rows').focus();
    await page.keyboard.press('Digit0');
    await visible(page);
    await page.waitForTimeout(200);
    const tracks = (await figures(page, '[data-track^="off_cpu:"]')).map(row => String(row['track']));
    assert.ok(tracks.length >= 3, 'rows of states are in sight');
    for (const track of tracks) {
      const expected = sharesInFile(sql, Number(track.split(':')[1]), durationNs);
      const painted = await sharesPainted(page, track);
      assert.ok(
        (painted['other ink'] ?? 1) < 0.08,
        `${track}: ${painted['other ink']} of no colour of the legend`,
      );
      for (const state of COLOURS) {
        const [inFile, seen] = [expected[state] ?? 0, painted[state] ?? 0];
        assert.ok(
          Math.abs(inFile - seen) < 0.05,
          `${track}: ${state} ${seen} painted, ${inFile} in the file`,
        );
      }
    }
    await page.close();
  });
}
