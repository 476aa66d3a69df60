// A thread is blocked: what for. One rule for each reason, in a file of its own; the first that fits names it.

import type { CauseNode } from '../api.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { diskWait } from './disk.ts';
import { gpuWait } from './gpu.ts';
import { raised } from './interrupt.ts';
import { kernelLockWait } from './kernel-lock.ts';
import { lockWait } from './lock.ts';
import { lockOf } from './lock-kind.ts';
import { memoryWait } from './memory.ts';
import { retransmitted } from './network.ts';
import { asleep, timedOut } from './sleep.ts';
import { notSeen, simple, type Wait } from './wait.ts';
import { waitedFor } from './wake-chain.ts';
import { wakeKind } from './wake-kind.ts';
import type { Walk } from './walk.ts';

export function blocked(walk: Walk, wait: Wait): CauseNode {
  switch (reasonOf(walk.columns.offCpu, wait.row)) {
    case 'sleep':
      return wait.around.spinning ? gpuWait(walk, wait) : asleep(walk, wait);
    case 'disk':
      return diskWait(walk, wait);
    case 'page_fault':
      return (
        memoryWait(walk, wait) ?? simple(walk, wait, 'page_fault', 'page_fault', 'waiting for a page fault')
      );
    case 'gpu':
      return gpuWait(walk, wait);
    case 'child':
      return simple(walk, wait, 'child', 'other', 'waiting for a child process to end');
    case 'kernel_lock':
      return kernelLockWait(walk, wait);
    case 'stopped':
      return notSeen(walk, wait, 'stopped by a signal or a debugger');
    case 'futex': {
      const lock = lockOf(walk, wait.row);
      return lock === undefined ? byWaker(walk, wait) : lockWait(walk, wait, lock);
    }
    case 'uninterruptible':
    case 'other':
      return memoryWait(walk, wait) ?? byWaker(walk, wait);
    default:
      return retransmitted(walk, wait) ?? byWaker(walk, wait);
  }
}

/** What ended the wait tells what it was for. */
function byWaker(walk: Walk, wait: Wait): CauseNode {
  const { offCpu, details, threads } = walk.columns;
  const woken = wakeKind(offCpu, wait.row, details, threads);
  switch (woken.kind) {
    case 'task':
      return waitedFor(walk, wait, woken);
    case 'timed_out':
      return wait.around.spinning ? gpuWait(walk, wait) : timedOut(walk, wait);
    case 'interrupt':
    case 'kernel_thread':
      if (woken.raisedBy === 'block') return diskWait(walk, wait);
      return wait.around.spinning ? gpuWait(walk, wait) : raised(walk, wait, woken);
    case 'not_woken':
      return notSeen(walk, wait, 'it was still waiting when the capture stopped');
    case 'unknown':
      return notSeen(walk, wait, 'who woke it was not seen');
  }
}
