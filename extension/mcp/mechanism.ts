// What kind of waiting a delay was. Nested calls and stretches on the CPU say where the thread was, not what it waited
// for: they are looked through, and the time is counted by the state of the first waiting step below them.

import type { CauseNode } from '../trace/api.ts';

/** "lock (lock): waited for the lock ..."; on the CPU only where that took at least half of the time. */
export function blockingMechanism(root: CauseNode): string {
  const steps = firstSteps(root);
  const onCpu = steps.filter(isOnCpu);
  const waits = steps.filter(step => !isOnCpu(step));
  const chosen = waits.length === 0 || 2 * timeOf(onCpu) >= root.durationNs ? onCpu : heaviestState(waits);
  const [heaviest = root] = chosen.toSorted((a, b) => b.durationNs - a.durationNs);
  return `${heaviest.edge.replaceAll('_', ' ')} (${heaviest.state}): ${heaviest.label}`;
}

/** The steps right below the delay, with what is inside of nested calls in place of the calls. */
function firstSteps(node: CauseNode): readonly CauseNode[] {
  return node.children.flatMap(child =>
    (child.edge === 'nested_call' || child.edge === 'on_cpu') && child.children.length > 0
      ? firstSteps(child)
      : [child],
  );
}

const isOnCpu = ({ edge }: CauseNode): boolean => edge === 'on_cpu' || edge === 'nested_call';

function heaviestState(waits: readonly CauseNode[]): readonly CauseNode[] {
  const byState = [...Map.groupBy(waits, ({ state }) => state).values()];
  return byState.reduce((best, group) => (timeOf(group) > timeOf(best) ? group : best));
}

const timeOf = (nodes: readonly CauseNode[]): number => nodes.reduce((sum, node) => sum + node.durationNs, 0);
