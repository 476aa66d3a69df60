// Our page in the editor's frame: tabs, and the numbers that it carries beside what it draws.

import assert from 'node:assert/strict';
import type { Frame } from 'playwright-core';
import type { Tab } from '../../webview/protocol.ts';
import type { TraceFile } from '../lib/trace-file.ts';
import { retry, type Workbench } from './workbench.ts';

/** The page of the editor in front, ready. */
export const shell = (workbench: Workbench): Promise<Frame> => workbench.view('.shell');

/** A page that says why there are no pictures. */
export const failure = (workbench: Workbench): Promise<Frame> => workbench.view('.failure');

const READY: Readonly<Record<Exclude<Tab, 'sql'>, string>> = {
  overview: '.overview .functions',
  timeline: '.timeline[data-settled=true]',
  flame: '.flame[data-count]',
  causes: '.tree-row',
};

export async function openTab(frame: Frame, tab: Exclude<Tab, 'sql'>): Promise<void> {
  await frame.click(`#tab-${tab}`);
  await frame.waitForSelector(READY[tab], { timeout: 120_000 });
}

/** `data-*` of everything that matches, in the order of the page. */
export const figures = (frame: Frame, selector: string): Promise<Readonly<Record<string, string>>[]> =>
  frame.$$eval(selector, nodes =>
    nodes.map(node => ({ ...(node as HTMLElement).dataset }) as Record<string, string>),
  );

interface Visible {
  readonly startNs: number;
  readonly endNs: number;
}

async function visible(frame: Frame): Promise<Visible> {
  const [data] = await figures(frame, '.timeline');
  return { startNs: Number(data?.['startNs']), endNs: Number(data?.['endNs']) };
}

/** Groups of threads that are folded, unfolded. */
async function unfold(frame: Frame): Promise<void> {
  for (const group of await frame.$$('[data-group][aria-expanded=false]')) await group.click();
  await retry(30_000, async () => {
    if (await frame.$('[data-group][aria-expanded=false]')) throw new Error('a group stays folded');
  });
}

/** What each tab shows against plain SQL on the file. */

export async function assertOverview(frame: Frame, trace: TraceFile): Promise<void> {
  await openTab(frame, 'overview');
  const rows = await figures(frame, '.functions tr[data-function]');
  const shown = new Map(rows.map(row => [row['function'], Number(row['count'])] as const));
  const counted = trace.rows(
    'SELECT f.name, count(*) AS n FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id WHERE c.duration_ns IS NOT NULL GROUP BY f.name',
  );
  assert.ok(counted.length > 0);
  assert.deepEqual(
    new Map([...shown].sort()),
    new Map(counted.map(row => [String(row['name']), Number(row['n'])] as const).sort()),
  );
}

export async function assertTimeline(frame: Frame, trace: TraceFile): Promise<void> {
  await openTab(frame, 'timeline');
  await unfold(frame);
  const rows = await figures(frame, '[data-track]');
  const shown = new Map(rows.map(row => [row['track'], Number(row['count'])] as const));
  const expected = new Map<string, number>();
  for (const [kind, table, key] of [
    ['cuda', 'cuda_call', 'thread_id'],
    ['off_cpu', 'off_cpu', 'thread_id'],
    ['cpu', 'cpu_slice', 'cpu'],
  ] as const)
    for (const row of trace.rows(`SELECT ${key} AS key, count(*) AS n FROM ${table} GROUP BY ${key}`))
      expected.set(`${kind}:${row['key']}`, Number(row['n']));
  assert.deepEqual(new Map([...shown].sort()), new Map([...expected].sort()));
}

export async function assertFlame(frame: Frame, trace: TraceFile): Promise<void> {
  await openTab(frame, 'flame');
  const [flame] = await figures(frame, '.flame');
  assert.equal(
    Number(flame?.['count']),
    trace.number('SELECT count(*) FROM cuda_call WHERE parent_id IS NULL'),
  );
}

/** A click on the first cause brings its worst example into the timeline's view. */
export async function assertClickMovesTimeline(frame: Frame): Promise<void> {
  await openTab(frame, 'timeline');
  const before = await visible(frame);
  await openTab(frame, 'causes');
  await frame.click('.cause-item >> nth=0');
  await frame.waitForSelector('.tree-row');
  const [root] = await figures(frame, '.tree-row');
  await openTab(frame, 'timeline');
  const moved = await retry(30_000, async () => {
    const now = await visible(frame);
    assert.notDeepEqual(now, before);
    return now;
  });
  const start = Number(root?.['startNs']);
  const end = start + Number(root?.['durationNs']);
  assert.ok(
    moved.startNs <= start && moved.endNs >= end,
    `${JSON.stringify(moved)} does not hold ${start}..${end}`,
  );
  assert.ok(moved.endNs - moved.startNs < before.endNs - before.startNs);
}
