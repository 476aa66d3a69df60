// What must hold for every tree, for tests: conservation, containment, bounds, no thread met twice on a path.

import assert from 'node:assert/strict';
import type { CauseNode } from '../api.ts';

export interface Size {
  readonly nodes: number;
  readonly depth: number;
}

/** Throws unless children tile their parent exactly, and returns how large the tree is. */
export function checkTree(root: CauseNode): Size {
  let nodes = 0;
  let deepest = 0;
  const visit = (node: CauseNode, depth: number, path: readonly CauseNode[]): void => {
    nodes++;
    deepest = Math.max(deepest, depth);
    assert.ok(Number.isSafeInteger(node.startNs) && Number.isSafeInteger(node.durationNs), node.label);
    assert.ok(node.durationNs >= 0, node.label);
    assert.ok(node.confidence >= 0 && node.confidence <= 0.95, node.label);
    hops(node, path);
    let cursor: number = node.startNs;
    for (const child of node.children) {
      assert.equal(child.startNs, cursor, `${node.label}: children lie end to end`);
      cursor = child.startNs + child.durationNs;
      visit(child, depth + 1, [...path, node]);
    }
    if (node.children.length > 0) {
      assert.equal(cursor, node.startNs + node.durationNs, `${node.label}: children add up to it`);
    }
  };
  visit(root, 0, []);
  return { nodes, depth: deepest };
}

/** Once a path has left a thread it never comes back to it at the same time. A `limit` leaf may name it: it ends there. */
function hops(node: CauseNode, path: readonly CauseNode[]): void {
  const id = node.thread?.id;
  const parent = path[path.length - 1];
  if (id === undefined || parent === undefined || parent.thread?.id === id || node.edge === 'limit') return;
  for (const before of path) {
    const overlap =
      before.startNs < node.startNs + node.durationNs && node.startNs < before.startNs + before.durationNs;
    assert.ok(before.thread?.id !== id || !overlap, `${node.label}: met again on its own path`);
  }
}

/** Nanoseconds of the leaves, by edge. */
export function leafTimes(root: CauseNode): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  const visit = (node: CauseNode): void => {
    if (node.children.length > 0) node.children.forEach(visit);
    else sums.set(node.edge, (sums.get(node.edge) ?? 0) + node.durationNs);
  };
  visit(root);
  return sums;
}

/** The tree as indented lines "edge thread from-to us", for tables of cases. */
export function outline(node: CauseNode, indent = ''): string {
  const at = `${node.startNs / 1000}-${(node.startNs + node.durationNs) / 1000}`;
  const line = `${indent}${node.edge} ${node.thread?.name ?? '?'} ${at}`;
  return [line, ...node.children.map(child => outline(child, `${indent}  `))].join('\n');
}
