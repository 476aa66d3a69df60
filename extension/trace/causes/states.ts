// Where slow time went, by state: every leaf counts once, so the sums add up to the delays.

import type { CauseNode, State } from '../api.ts';

/**
 * Adds the leaves below `node`. What another thread computed or slept while it kept ours waiting is, for ours, the
 * wait: a lock that a holder computes under is time lost to the lock.
 */
export function addStates(
  sums: Map<State, number>,
  node: CauseNode,
  waiting: State | undefined = undefined,
): void {
  if (node.children.length === 0) {
    const own = node.state === 'running' || node.state === 'sleep';
    const state = own && waiting !== undefined ? waiting : node.state;
    sums.set(state, (sums.get(state) ?? 0) + node.durationNs);
    return;
  }
  const inside = waiting ?? (node.edge === 'held_by' || node.edge === 'waited_for' ? node.state : undefined);
  for (const child of node.children) addStates(sums, child, inside);
}
