// The stories of one delay: its strands, split by who is to answer for them, each with the path that matters most.

import type { CauseNode, Edge } from '../api.ts';
import { addNode, narrowed, type Strand } from './strand.ts';

/** Strands from the delay's own thread down to the leaf that counts. */
export type Path = readonly Strand[];

/** Nobody answers for these: they lose against another child that took at least a quarter. */
const QUIET: ReadonlySet<Edge> = new Set(['on_cpu', 'first_use', 'limit', 'unexplained', 'nested_call']);
const A_QUARTER = 0.25;
/** What a thread does by itself. */
const ORDINARY: ReadonlySet<Edge> = new Set([...QUIET, 'gpu', 'asked_to_sleep', 'interrupt']);

/** Splits a tree into stories, whose times add up to the root's: each holder, competitor or source one. */
export function storiesOf(root: CauseNode): readonly Strand[] {
  const strands = new Map<string, Strand>();
  for (const child of root.children) addNode(strands, child);
  return [...strands.values()].flatMap(split);
}

/** A wait has as many stories as it has those who answer for a part of it; a holder's doings are one story. */
function split(strand: Strand): readonly Strand[] {
  const { edge } = strand.worst;
  const children = [...strand.children.values()];
  if (children.length === 0) return [strand];
  if (edge === 'lock' || edge === 'kernel_lock' || edge === 'runnable') {
    return children.flatMap(child => split(child).map(part => narrowed(strand, [part])));
  }
  if (edge !== 'waited_for') return [strand];
  // A thread that is waited for also computes and rests as it always does: that is one story, its own delays others.
  const ordinary = children.filter(child => ORDINARY.has(edgeOf(child)));
  const stories = children
    .filter(child => !ordinary.includes(child))
    .flatMap(child => split(child).map(part => narrowed(strand, [part])));
  return ordinary.length === 0 ? stories : [...stories, narrowed(strand, ordinary)];
}

/** The edge of a strand; pieces too short to follow count as what they mostly were. */
export function edgeOf({ worst }: Strand): Edge {
  if (worst.edge !== 'limit') return worst.edge;
  switch (worst.state) {
    case 'running':
      return 'on_cpu';
    case 'sleep':
      return 'asked_to_sleep';
    case 'gpu':
    case 'disk':
    case 'page_fault':
    case 'throttled':
    case 'lock':
      return worst.state;
    default:
      return 'limit';
  }
}

/** From a story down to the leaf that counts. */
export function pathOf(story: Strand): Path {
  const path = [story];
  for (let next = weightiest(story); next !== undefined; next = weightiest(next)) path.push(next);
  return path;
}

/** The child that explains a strand best: the longest that someone answers for, if it is a quarter of it at least. */
export function weightiest(strand: Strand): Strand | undefined {
  let longest: Strand | undefined;
  let answering: Strand | undefined;
  for (const child of strand.children.values()) {
    if (longest === undefined || child.timeNs > longest.timeNs) longest = child;
    if (!QUIET.has(child.worst.edge) && (answering === undefined || child.timeNs > answering.timeNs)) {
      answering = child;
    }
  }
  return answering !== undefined && answering.timeNs >= strand.timeNs * A_QUARTER ? answering : longest;
}

/** Time of a strand that ends in a leaf without an explanation. */
export function unexplainedNs(strand: Strand): number {
  if (strand.worst.edge === 'unexplained') return strand.timeNs;
  let sum = 0;
  for (const child of strand.children.values()) sum += unexplainedNs(child);
  return sum;
}
