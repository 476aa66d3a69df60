// A thread was woken by another task: through a pipe, a socket, an eventfd, a condition variable, a semaphore, or by
// that one's end. What was the other doing all that time? It is waited for, never called a holder: what it does is its
// work, and nothing says that it owed us anything before.

import type { CauseNode } from '../api.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { branch } from './nodes.ts';
import { blockedState, type Wait } from './wait.ts';
import type { WakeKind } from './wake-kind.ts';
import type { Walk } from './walk.ts';
import { named } from './words.ts';

export function waitedFor(walk: Walk, wait: Wait, woken: Extract<WakeKind, { kind: 'task' }>): CauseNode {
  const { startNs, endNs, depth, row } = wait;
  const ref = walk.ref(woken.waker);
  const base = {
    edge: 'waited_for',
    state: blockedState(walk, row),
    thread: ref,
    startNs,
    endNs,
    label: `waiting for ${named(ref)}${channel(walk, row, woken.waker)}`,
    ...walk.sure(woken.contextSeen ? 'waker' : 'pattern', startNs, endNs, row),
    rows: [walk.offCpuRow(row)],
    object: walk.object(row),
  } as const;
  return branch(base, walk.follow(woken.waker, startNs, endNs, depth, wait.followed));
}

/** Through what the two are joined, in words that need no manual. */
function channel(walk: Walk, row: number, waker: number): string {
  const { offCpu, details } = walk.columns;
  const object = walk.object(row);
  const reason = reasonOf(offCpu, row);
  if (reason === 'futex') {
    if (object?.name?.endsWith('(GIL)') === true) return " to take over Python's interpreter lock (GIL)";
    const { futexValue } = details.offCpu(offCpu.id[row] ?? -1);
    const tid = walk.ref(waker)?.tid;
    // pthread_join waits on the word that holds the thread's id, which the kernel clears when it ends.
    if (futexValue !== undefined && futexValue > 0 && futexValue === tid) return ' to end (join)';
    return ' to signal it (condition variable, semaphore or the like)';
  }
  if (object?.kind === 'eventfd' || object?.kind === 'epoll') return ` to signal it (${object.kind})`;
  const name = object?.name;
  if (reason === 'socket') return ` to send to it over a socket${name === undefined ? '' : ` (${name})`}`;
  if (reason === 'pipe') {
    const { syscall } = details.offCpu(offCpu.id[row] ?? -1);
    const does = syscall?.includes('write') === true ? 'read from' : 'write to';
    return ` to ${does} a pipe${name === undefined ? '' : ` (${name})`}`;
  }
  if (name !== undefined) return ` on ${name}`;
  if (reason === 'poll') return ' to send it something (poll)';
  return reason === 'disk' ? ' to write to the disk' : '';
}
