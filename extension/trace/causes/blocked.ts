// A thread is blocked: what for. One rule for each reason; the first that fits names it.

import type { CauseNode, Edge, State } from '../api.ts';
import { NOT_A_LOCK, reasonOf } from '../columns/off-cpu.ts';
import { diskWait } from './disk.ts';
import { lockWait } from './lock.ts';
import { branch, leaf, PATTERN_ONLY, SEEN, unexplained, WAKER_ONLY } from './nodes.ts';
import { type WakeKind, wakeKind } from './wake-kind.ts';
import type { Around, Walk } from './walk.ts';
import { named } from './words.ts';

/** The blocked part of one off-CPU row, clipped to [startNs, endNs). */
export interface Wait {
  readonly thread: number;
  readonly row: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly depth: number;
  readonly followed: boolean;
  readonly around: Around;
}

export function blocked(walk: Walk, wait: Wait): CauseNode {
  const { offCpu } = walk.columns;
  const { row } = wait;
  const reason = reasonOf(offCpu, row);
  switch (reason) {
    case 'sleep':
      return wait.around.spinning ? gpu(walk, wait) : asleep(walk, wait, 'asked to sleep');
    case 'disk':
      return diskWait(walk, wait.thread, row, wait.startNs, wait.endNs, wait.depth, wait.followed);
    case 'page_fault':
      return pageFault(walk, wait);
    case 'gpu':
      return gpu(walk, wait);
    case 'child':
      return simple(walk, wait, 'child', 'other', 'waiting for a child process to end');
    case 'kernel_lock':
      return simple(walk, wait, 'kernel_lock', 'lock', 'waiting for a lock inside the kernel');
    case 'stopped':
      return simple(walk, wait, 'unexplained', 'unexplained', 'stopped by a signal or a debugger');
    case 'futex':
      if (offCpu.lock[row] !== NOT_A_LOCK && (offCpu.object[row] ?? -1) >= 0) {
        return lockWait(walk, wait.thread, row, wait.startNs, wait.endNs, wait.depth, wait.followed);
      }
      return byWaker(walk, wait);
    default:
      return byWaker(walk, wait);
  }
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
      return offCpu.lock[row] === NOT_A_LOCK ? 'other' : 'lock';
    case 'stopped':
      return 'unexplained';
    default:
      return 'other';
  }
}

/** What ended the wait tells what it was for. */
function byWaker(walk: Walk, wait: Wait): CauseNode {
  const { offCpu, details } = walk.columns;
  const woken = wakeKind(offCpu, wait.row, details);
  switch (woken.kind) {
    case 'task':
      return waitedFor(walk, wait, woken);
    case 'timed_out':
      // CPython asks for the GIL in short waits that time out: that is no wish to sleep.
      if (walk.object(wait.row)?.name?.endsWith('(GIL)')) {
        return notSeen(
          walk,
          wait,
          'waiting for the Python interpreter lock (GIL); who held it was not followed',
        );
      }
      return wait.around.spinning ? gpu(walk, wait) : asleep(walk, wait, timedOutLabel(walk, wait));
    case 'interrupt':
    case 'kernel_thread':
      return wait.around.spinning ? gpu(walk, wait) : raised(walk, wait, woken);
    case 'not_woken':
      return notSeen(walk, wait, 'it was still waiting when the capture stopped');
    case 'unknown':
      return notSeen(walk, wait, 'who woke it was not seen');
  }
}

/** Woken by another task: what was that one doing all the time? It is waited for, never called a holder. */
function waitedFor(walk: Walk, wait: Wait, woken: Extract<WakeKind, { kind: 'task' }>): CauseNode {
  const { startNs, endNs, depth } = wait;
  const ref = walk.ref(woken.waker);
  const base = {
    edge: 'waited_for',
    state: blockedState(walk, wait.row),
    thread: ref,
    startNs,
    endNs,
    label: `waiting for ${named(ref)}${channel(walk, wait)}`,
    confidence: walk.trust(woken.contextSeen ? WAKER_ONLY : PATTERN_ONLY, startNs, endNs),
    rows: [walk.offCpuRow(wait.row)],
    object: walk.object(wait.row),
  } as const;
  return branch(base, walk.follow(woken.waker, startNs, endNs, depth, wait.followed));
}

function channel(walk: Walk, wait: Wait): string {
  const object = walk.object(wait.row);
  const reason = reasonOf(walk.columns.offCpu, wait.row);
  if (object?.name !== undefined) return ` on ${object.name}`;
  if (reason === 'futex') return ' to wake it (futex)';
  return reason === 'pipe' || reason === 'socket' || reason === 'poll' ? ` (${reason})` : '';
}

function asleep(walk: Walk, wait: Wait, label: string): CauseNode {
  return simple(walk, wait, 'asked_to_sleep', 'sleep', label);
}

function timedOutLabel(walk: Walk, wait: Wait): string {
  const reason = reasonOf(walk.columns.offCpu, wait.row);
  return `in a ${reason === 'futex' ? 'futex wait' : reason} that timed out, as it had asked`;
}

function gpu(walk: Walk, wait: Wait): CauseNode {
  return simple(walk, wait, 'gpu', 'gpu', 'waiting for the GPU');
}

function pageFault(walk: Walk, wait: Wait): CauseNode {
  const { threads, details, has } = walk.columns;
  const { startNs, endNs } = wait;
  const id = threads.refs[wait.thread]?.id ?? -1;
  const stalls = has.memoryStalls ? details.memoryStalls(id, startNs, endNs) : [];
  const label =
    stalls.length === 0
      ? 'waiting for a page fault'
      : `waiting for memory (${stalls[0]?.kind.replace('_', ' ')})`;
  return leaf({
    edge: 'page_fault',
    state: 'page_fault',
    thread: walk.ref(wait.thread),
    startNs,
    endNs,
    label,
    confidence: walk.trust(SEEN, startNs, endNs),
    rows: [walk.offCpuRow(wait.row), ...stalls.map(({ id }) => ({ table: 'memory_stall', id }) as const)],
  });
}

/** The chain ends at what raised the interrupt; the thread that it borrowed is not to blame. */
function raised(
  walk: Walk,
  wait: Wait,
  woken: Extract<WakeKind, { kind: 'interrupt' | 'kernel_thread' }>,
): CauseNode {
  const { details, has, offCpu } = walk.columns;
  const { startNs, endNs } = wait;
  const object = walk.object(wait.row);
  const isSocket = reasonOf(offCpu, wait.row) === 'socket' || object?.kind === 'socket';
  const retransmits =
    isSocket && object !== undefined && has.retransmits ? details.retransmits(object.id, startNs, endNs) : [];
  if (retransmits.length > 0) {
    return leaf({
      edge: 'network',
      state: 'network',
      thread: walk.ref(wait.thread),
      startNs,
      endNs,
      label: 'waiting for the network: packets of this very socket were sent again',
      confidence: walk.trust(SEEN, startNs, endNs),
      rows: [walk.offCpuRow(wait.row), ...retransmits.map(id => ({ table: 'tcp_retransmit', id }) as const)],
      object,
    });
  }
  if (woken.raisedBy === 'block') {
    return diskWait(walk, wait.thread, wait.row, startNs, endNs, wait.depth, wait.followed);
  }
  const byNetwork = woken.raisedBy === 'net_rx' || isSocket;
  const state = byNetwork ? 'network' : 'other';
  const by =
    woken.kind === 'kernel_thread' ? ` (passed on by ${walk.ref(woken.waker)?.name ?? 'the kernel'})` : '';
  const label = byNetwork
    ? `waiting until something came in from the network${by}`
    : `waiting for ${source(woken.raisedBy)}${by}`;
  return simple(walk, wait, 'interrupt', state, label);
}

function source(raisedBy: string | undefined): string {
  if (raisedBy === undefined || raisedBy === 'other') return 'the kernel to wake it';
  return raisedBy === 'ipi' ? 'another CPU to wake it' : `a ${raisedBy} interrupt`;
}

function simple(walk: Walk, wait: Wait, edge: Edge, state: State, label: string): CauseNode {
  const { startNs, endNs } = wait;
  return leaf({
    edge,
    state,
    thread: walk.ref(wait.thread),
    startNs,
    endNs,
    label,
    confidence: edge === 'unexplained' ? 0 : walk.trust(SEEN, startNs, endNs),
    rows: [walk.offCpuRow(wait.row)],
    object: walk.object(wait.row),
  });
}

function notSeen(walk: Walk, wait: Wait, why: string): CauseNode {
  return unexplained(walk.ref(wait.thread), wait.startNs, wait.endNs, why, [walk.offCpuRow(wait.row)]);
}
