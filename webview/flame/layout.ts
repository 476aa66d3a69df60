// A flame graph's boxes, callers above callees, heaviest first. Boxes under a pixel are not made: those of one parent
// become one "merged" box, so that thirty thousand frames cost no more than the screen has pixels. Pure.

import { hierarchy, partition } from 'd3-hierarchy';
import type { FlameTree } from '../../extension/trace/api.ts';

export type Weight = 'time' | 'count';

export interface Box {
  /** Row of the tree; undefined for merged ones. */
  readonly node: number | undefined;
  /** Boxes that a merged one stands for; 1 otherwise. */
  readonly merged: number;
  readonly parent: number;
  readonly depth: number;
  /** Pixels. */
  readonly left: number;
  readonly width: number;
  readonly value: number;
}

const MIN_PX = 1;

/** Children of each node, in the order of the tree. */
export function childrenOf(tree: FlameTree): readonly (readonly number[])[] {
  const children: number[][] = tree.name.map(() => []);
  for (let node = 1; node < tree.parent.length; node += 1) children[tree.parent[node] ?? 0]?.push(node);
  return children;
}

/** From the root of all to the node itself. */
export function pathTo(tree: FlameTree, node: number): readonly number[] {
  const path: number[] = [];
  for (let at = node; at >= 0; at = tree.parent[at] ?? -1) path.unshift(at);
  return path;
}

const weightsOf = (tree: FlameTree, weight: Weight): Float64Array =>
  weight === 'time' ? tree.timeNs : tree.count;

interface Item {
  readonly node: number | undefined;
  readonly merged: number;
  readonly value: number;
  readonly parent: number;
  readonly children: readonly Item[];
}

/** The boxes when `root` fills the width; its ancestors lie above it, as wide. */
export function boxesOf(
  tree: FlameTree,
  children: readonly (readonly number[])[],
  weight: Weight,
  root: number,
  width: number,
): readonly Box[] {
  const weights = weightsOf(tree, weight);
  const total = weights[root] ?? 0;
  const path = pathTo(tree, root);
  const above: Box[] = path.slice(0, -1).map((node, depth) => ({
    node,
    merged: 1,
    parent: tree.parent[node] ?? -1,
    depth,
    left: 0,
    width,
    value: weights[node] ?? 0,
  }));
  if (total <= 0) return above;
  const least = (total / Math.max(1, width)) * MIN_PX;

  const itemOf = (node: number): Item => {
    const all = children[node] ?? [];
    const wide = all.filter(child => (weights[child] ?? 0) >= least);
    const rest = all.filter(child => (weights[child] ?? 0) > 0 && (weights[child] ?? 0) < least);
    const kept = wide.map(itemOf).sort((a, b) => b.value - a.value);
    const restValue = rest.reduce((sum, child) => sum + (weights[child] ?? 0), 0);
    const merged: readonly Item[] =
      rest.length === 0
        ? []
        : [{ node: undefined, merged: rest.length, value: restValue, parent: node, children: [] }];
    return {
      node,
      merged: 1,
      value: weights[node] ?? 0,
      parent: tree.parent[node] ?? -1,
      children: [...kept, ...merged],
    };
  };

  // Each box brings what its children leave of it; `sum` then gives every box its own weight again.
  const laid = partition<Item>().size([width, 1])(
    hierarchy(itemOf(root), item => item.children).sum(
      item => item.value - item.children.reduce((sum, child) => sum + child.value, 0),
    ),
  );
  return [
    ...above,
    ...laid.descendants().map(({ data, depth, x0, x1 }) => ({
      node: data.node,
      merged: data.merged,
      parent: data.parent,
      depth: depth + path.length - 1,
      left: x0,
      width: x1 - x0,
      value: data.value,
    })),
  ];
}

/** What a text finds: every box once, but a box inside another match adds nothing to the share. */
export function search(
  tree: FlameTree,
  weight: Weight,
  text: string,
): { readonly found: ReadonlySet<number>; readonly share: number; readonly value: number } {
  const weights = weightsOf(tree, weight);
  const wanted = text.toLowerCase();
  const found = new Set<number>();
  const covered = new Uint8Array(tree.name.length);
  let value = 0;
  for (let node = 1; node < tree.name.length; node += 1) {
    const inside = (covered[tree.parent[node] ?? 0] ?? 0) === 1;
    const matches = (tree.name[node] ?? '').toLowerCase().includes(wanted);
    if (matches) {
      found.add(node);
      if (!inside) value += weights[node] ?? 0;
    }
    covered[node] = inside || matches ? 1 : 0;
  }
  return { found, value, share: value / Math.max(1, weights[0] ?? 0) };
}

export const boxAt = (boxes: readonly Box[], x: number, depth: number): Box | undefined =>
  boxes.find(box => box.depth === depth && x >= box.left && x < box.left + Math.max(1, box.width));
