// The stories of one delay: its strands, split by who is to answer for them, each with the path that matters most.

import type { CauseNode, Edge } from '../api.ts';
import { addNode, narrowed, type Strand } from './strand.ts';

/** Strands from the delay's own thread down to the leaf that counts. */
export type Path = readonly Strand[];

/** Nobody answers for these: they lose against another child that took at least a quarter. */
const QUIET: ReadonlySet<Edge> = new Set(['on_cpu', 'limit', 'unexplained', 'nested_call']);
const A_QUARTER = 0.25;

/** Splits a tree into stories, whose times add up to the root's: each holder, competitor or source one. */
export function storiesOf(root: CauseNode): readonly Strand[] {
  const strands = new Map<string, Strand>();
  for (const child of root.children) addNode(strands, child);
  const stories: Strand[] = [];
  for (const strand of strands.values()) {
    const { edge } = strand.worst;
    if ((edge === 'lock' || edge === 'runnable') && strand.children.size > 0) {
      let rest = strand.timeNs;
      for (const child of strand.children.values()) {
        stories.push(narrowed(strand, child));
        rest -= child.timeNs;
      }
      // Pieces that were too short to follow have no children of their own.
      if (rest > 0)
        stories.push({
          ...strand,
          timeNs: rest,
          trustNs: strand.trustNs * (rest / strand.timeNs),
          children: new Map(),
        });
    } else {
      stories.push(strand);
    }
  }
  return stories;
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
