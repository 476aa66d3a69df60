// Many trees, one story: nodes that tell the same (the same edge to the same role) are added up along their paths.
// Sentences, kinds, remedies and confidence are read off strands, for one delay as for a thousand.

import type { CauseNode, Doubt, ThreadRef } from '../api.ts';

export interface Strand {
  readonly key: string;
  timeNs: number;
  count: number;
  /** Confidence weighted by time: confidence = trustNs / timeNs. */
  trustNs: number;
  /** How much of its time each doubt is about. */
  readonly doubts: Map<Doubt, number>;
  /** CPU samples by the function they were in. */
  readonly sampled: Map<string, number>;
  /** The longest of its nodes: what names and evidence are taken from. */
  worst: CauseNode;
  /** Different threads, objects and CPUs among its nodes, a few of each. */
  readonly threads: Set<number>;
  readonly objects: Set<number>;
  readonly cpus: Set<number>;
  readonly children: Map<string, Strand>;
}

const A_FEW = 4;

/** A thread's part in the story: workers that differ by a number alone play the same. */
export function role(thread: ThreadRef | undefined): string {
  return thread === undefined ? '?' : `${thread.process}/${thread.name}`.replace(/\d+/g, '#');
}

/** Adds a node, and what is below it, to the strands of its parent. Nested calls are seen through. */
export function addNode(strands: Map<string, Strand>, node: CauseNode): void {
  if (node.edge === 'nested_call' && node.children.length > 0) {
    for (const child of node.children) addNode(strands, child);
    return;
  }
  const key = keyOf(node);
  let strand = strands.get(key);
  if (strand === undefined) {
    strand = empty(key, node);
    strands.set(key, strand);
  }
  strand.timeNs += node.durationNs;
  strand.trustNs += node.durationNs * node.confidence;
  strand.count++;
  for (const doubt of node.doubts ?? []) raise(strand.doubts, doubt, node.durationNs);
  for (const { function: name, samples } of node.sampled ?? []) raise(strand.sampled, name, samples);
  if (node.durationNs > strand.worst.durationNs) strand.worst = node;
  note(strand.threads, node.thread?.id);
  note(strand.objects, node.object?.id);
  note(strand.cpus, node.cpu);
  for (const child of node.children) addNode(strand.children, child);
}

/** Adds one strand to another of the same key. */
export function addStrand(into: Map<string, Strand>, strand: Strand): void {
  let target = into.get(strand.key);
  if (target === undefined) {
    target = empty(strand.key, strand.worst);
    into.set(strand.key, target);
  }
  target.timeNs += strand.timeNs;
  target.trustNs += strand.trustNs;
  target.count += strand.count;
  for (const [doubt, timeNs] of strand.doubts) raise(target.doubts, doubt, timeNs);
  for (const [name, samples] of strand.sampled) raise(target.sampled, name, samples);
  if (strand.worst.durationNs > target.worst.durationNs) target.worst = strand.worst;
  for (const id of strand.threads) note(target.threads, id);
  for (const id of strand.objects) note(target.objects, id);
  for (const cpu of strand.cpus) note(target.cpus, cpu);
  for (const child of strand.children.values()) addStrand(target.children, child);
}

/** `strand` with only these children below it, and only their time. */
export function narrowed(strand: Strand, children: readonly Strand[]): Strand {
  const timeNs = children.reduce((sum, child) => sum + child.timeNs, 0);
  const part = strand.timeNs === 0 ? 0 : timeNs / strand.timeNs;
  return {
    ...strand,
    timeNs,
    doubts: new Map([...strand.doubts].map(([doubt, whole]) => [doubt, whole * part])),
    trustNs: confidenceOf(strand) * timeNs,
    children: new Map(children.map(child => [child.key, child])),
  };
}

export const confidenceOf = (strand: Strand): number =>
  strand.timeNs === 0 ? 0 : strand.trustNs / strand.timeNs;

function empty(key: string, node: CauseNode): Strand {
  return {
    key,
    timeNs: 0,
    count: 0,
    trustNs: 0,
    doubts: new Map(),
    sampled: new Map(),
    worst: node,
    threads: new Set(),
    objects: new Set(),
    cpus: new Set(),
    children: new Map(),
  };
}

function raise<K>(sums: Map<K, number>, key: K, by: number): void {
  sums.set(key, (sums.get(key) ?? 0) + by);
}

function note(few: Set<number>, value: number | undefined): void {
  if (value !== undefined && few.size < A_FEW) few.add(value);
}

/** Edges to another thread carry its role; those whose label names a device or a source carry the label. */
function keyOf(node: CauseNode): string {
  switch (node.edge) {
    case 'held_by':
    case 'waited_for':
    case 'hand_off':
      return `${node.edge} ${role(node.thread)}`;
    case 'behind':
      // A competitor is moved by its process; what its threads are called that minute is no part of the story.
      return `behind ${role(node.thread && { ...node.thread, name: '' })}`;
    case 'disk':
    case 'page_fault':
    case 'kernel_lock':
    case 'first_use':
    case 'interrupt':
    case 'unexplained':
      return `${node.edge} ${node.label.replace(/\d+/g, '#')}`;
    case 'nested_call':
      return 'on_cpu';
    case 'limit':
      return `limit ${node.state}`;
    default:
      return node.edge;
  }
}
