// The blocked part of one off-CPU interval, as every rule of waiting takes it.

import type { CauseNode, Edge, State } from '../api.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { leaf, unexplained } from './nodes.ts';
import type { Link } from './sure.ts';
import type { Around, Walk } from './walk.ts';

/** Clipped to [startNs, endNs); its node is to stand at `depth`. */
export interface Wait {
  readonly thread: number;
  /** Row of off_cpu. */
  readonly row: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly depth: number;
  /** false: too short to be followed to other threads. */
  readonly followed: boolean;
  readonly around: Around;
}

/** The state of a wait at a glance, for pieces too short to be asked more. */
export function blockedState(walk: Walk, row: number): State {
  const { offCpu } = walk.columns;
  const reason = reasonOf(offCpu, row);
  switch (reason) {
    case 'sleep':
    case 'disk':
    case 'page_fault':
    case 'gpu':
      return reason;
    case 'pipe':
    case 'socket':
      return 'network';
    case 'kernel_lock':
      return 'lock';
    case 'futex':
      return offCpu.lock[row] === 0 ? 'other' : 'lock';
    case 'stopped':
      return 'unexplained';
    default:
      return 'other';
  }
}

/** A leaf of the waiting thread itself. */
export function simple(
  walk: Walk,
  wait: Wait,
  edge: Edge,
  state: State,
  label: string,
  link: Link = 'seen',
): CauseNode {
  const { startNs, endNs, row } = wait;
  return leaf({
    edge,
    state,
    thread: walk.ref(wait.thread),
    startNs,
    endNs,
    label,
    ...walk.sure(link, startNs, endNs, row),
    rows: [walk.offCpuRow(row)],
    object: walk.object(row),
  });
}

export function notSeen(walk: Walk, wait: Wait, why: string): CauseNode {
  return unexplained(walk.ref(wait.thread), wait.startNs, wait.endNs, why, [walk.offCpuRow(wait.row)]);
}
