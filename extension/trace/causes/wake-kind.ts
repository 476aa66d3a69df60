// What ended a wait. Only a task that made the wake-up itself is followed: an interrupt merely borrowed the thread that
// happened to run, and kernel threads such as ksoftirqd pass on what others completed.

import type { Details } from '../columns/details.ts';
import { contextOf, IDLE, type OffCpu } from '../columns/off-cpu.ts';
import type { Threads } from '../columns/threads.ts';

export type WakeKind =
  | { readonly kind: 'task'; readonly waker: number; readonly contextSeen: boolean }
  /** `raisedBy`: timer, block, net_rx, ipi, device, other; undefined = not recorded. */
  | { readonly kind: 'interrupt'; readonly raisedBy: string | undefined }
  | { readonly kind: 'kernel_thread'; readonly waker: number; readonly raisedBy: string | undefined }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'not_woken' }
  | { readonly kind: 'unknown' };

/** A time-out may fire a little early by the clock that the trace uses, never by more than this share. */
const TIMED_OUT = 0.99;
/** Kernel threads that have work of their own, for which a program waits: journals, memory, file systems. */
const HAS_WORK = /^(jbd2|xfsaild|xfs-|btrfs-|kswapd|kcompactd|loop|md\d|dmcrypt|txg_|z_wr)/;
/** Where the context was not taken, these names are the kernel's own passers-on. */
const PASSES_ON = /^(ksoftirqd\/\d|irq\/\d|kworker\/|rcu|migration\/\d|swapper|napi\/|kblockd|cpuhp\/\d)/;

export const hasWork = (kernelThread: string | undefined): boolean => HAS_WORK.test(kernelThread ?? '');

export function wakeKind(offCpu: OffCpu, row: number, details: Details, threads: Threads): WakeKind {
  if (offCpu.open[row] === 1 && offCpu.wokenNs[row] === offCpu.endNs[row]) return { kind: 'not_woken' };
  const context = contextOf(offCpu, row);
  const waker = offCpu.waker[row] ?? -1;
  if (context === 'task' && waker >= 0) return { kind: 'task', waker, contextSeen: true };
  const { interrupt, timeoutNs } = details.offCpu(offCpu.id[row] ?? -1);
  const waitedNs = (offCpu.wokenNs[row] as number) - (offCpu.startNs[row] as number);
  if (interrupt === 'timer') return { kind: 'timed_out' };
  if (timeoutNs !== undefined && timeoutNs > 0 && waitedNs >= timeoutNs * TIMED_OUT)
    return { kind: 'timed_out' };
  const name = threads.refs[waker]?.name ?? '';
  if (context === 'kernel_thread' && waker >= 0 && hasWork(name)) {
    return { kind: 'task', waker, contextSeen: true };
  }
  if (context === 'kernel_thread' || (context === 'not taken' && PASSES_ON.test(name))) {
    return { kind: 'kernel_thread', waker, raisedBy: interrupt };
  }
  if (context === 'interrupt' || waker === IDLE) return { kind: 'interrupt', raisedBy: interrupt };
  return waker >= 0 ? { kind: 'task', waker, contextSeen: false } : { kind: 'unknown' };
}
