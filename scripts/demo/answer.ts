// Reading the two accounts of the demo: the tree of causes, and the workload's own log.

import type { CauseNode, Edge } from '../../extension/trace/api.ts';

/** Nodes of a tree that came about by this edge and are about a thread or process of this name. */
export function nodesWith(node: CauseNode, edge: Edge, name: string): CauseNode[] {
  const own =
    node.edge === edge && (node.thread?.name === name || node.thread?.process === name) ? [node] : [];
  return [...own, ...node.children.flatMap(child => nodesWith(child, edge, name))];
}

export interface Truth {
  readonly waits: number;
  readonly waitedNs: number;
  /** Time that the tokenizer was off the CPU while it held the lock: hold minus its own CPU time. */
  readonly holderOffCpuNs: number;
}

/** Sums of the workload's log (test/workloads/README.md). */
export function readTruth(text: string): Truth {
  let waits = 0;
  let waitedNs = 0;
  let holderOffCpuNs = 0;
  for (const line of text.split('\n').filter(line => line !== '')) {
    const entry: unknown = JSON.parse(line);
    if (!isEntry(entry)) continue;
    const number = (key: string) => (typeof entry[key] === 'number' ? entry[key] : 0);
    if (entry['type'] === 'wait' && entry['thread'] === 'engine') {
      waits++;
      waitedNs += number('end_ns') - number('start_ns');
    } else if (entry['type'] === 'hold' && entry['thread'] === 'tokenizer') {
      holderOffCpuNs += number('end_ns') - number('start_ns') - number('cpu_ns');
    }
  }
  return { waits, waitedNs, holderOffCpuNs };
}

const isEntry = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

export const milliseconds = (ns: number): string => `${(ns / 1e6).toFixed(1)} ms`;
