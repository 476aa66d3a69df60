// Our page in the editor's frame: tabs, and the numbers that it carries beside what it draws.

import type { Frame } from 'playwright-core';
import type { Tab } from '../../webview/protocol.ts';
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
  await frame.waitForSelector(READY[tab], { timeout: 30_000 });
}

/** `data-*` of everything that matches, in the order of the page. */
export const figures = (frame: Frame, selector: string): Promise<Readonly<Record<string, string>>[]> =>
  frame.$$eval(selector, nodes =>
    nodes.map(node => ({ ...(node as HTMLElement).dataset }) as Record<string, string>),
  );

export interface Visible {
  readonly startNs: number;
  readonly endNs: number;
}

export async function visible(frame: Frame): Promise<Visible> {
  const [data] = await figures(frame, '.timeline');
  return { startNs: Number(data?.['startNs']), endNs: Number(data?.['endNs']) };
}

/** Groups of threads that are folded, unfolded. */
export async function unfold(frame: Frame): Promise<void> {
  for (const group of await frame.$$('[data-group][aria-expanded=false]')) await group.click();
  await retry(5000, async () => {
    if (await frame.$('[data-group][aria-expanded=false]')) throw new Error('a group stays folded');
  });
}
