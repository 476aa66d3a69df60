// The flame graph as a tree for people who hear the page, and for the keyboard: what the zoomed box holds, heaviest
// first, one level at a time.

import type { FlameTree } from '../../extension/trace/api.ts';
import { el, replace } from '../base/dom.ts';
import { formatCount, formatDuration, formatShare } from '../base/format.ts';
import type { Weight } from './layout.ts';

const MOST = 20;

export function weightText(value: number, weight: Weight): string {
  return weight === 'time' ? formatDuration(value) : `${formatCount(value)} events`;
}

export function fillFlameList(
  list: HTMLElement,
  tree: FlameTree,
  children: readonly (readonly number[])[],
  root: number,
  weight: Weight,
  zoom: (node: number) => void,
): void {
  const weights = weight === 'time' ? tree.timeNs : tree.count;
  const inside = [...(children[root] ?? [])].sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0));
  const line = (node: number): HTMLElement =>
    el(
      'li',
      {
        data: {
          name: tree.name[node] ?? '',
          kind: tree.frameKind[node] ?? '',
          timeNs: tree.timeNs[node] ?? 0,
          count: tree.count[node] ?? 0,
        },
      },
      el(
        'button',
        { on: { click: () => zoom(node) } },
        `${tree.name[node] ?? ''}: ${weightText(weights[node] ?? 0, weight)}, ${formatShare((weights[node] ?? 0) / Math.max(1, weights[0] ?? 0))}`,
      ),
    );
  const shown = inside.slice(0, MOST);
  const parent = tree.parent[root] ?? -1;
  replace(
    list,
    parent >= 0
      ? el(
          'li',
          {},
          el('button', { on: { click: () => zoom(parent) } }, `Back to ${tree.name[parent] ?? ''}`),
        )
      : undefined,
    ...shown.map(line),
    inside.length > shown.length
      ? el('li', {}, `${formatCount(inside.length - shown.length)} more`)
      : undefined,
  );
}
