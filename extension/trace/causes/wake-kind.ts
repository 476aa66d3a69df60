// What ended a wait. Only a task that made the wake-up itself is followed: an interrupt merely borrowed the thread that
// happened to run, and kernel threads such as ksoftirqd pass on what others completed.

import type { Details } from '../columns/details.ts';
import { contextOf, IDLE, type OffCpu } from '../columns/off-cpu.ts';

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

export function wakeKind(offCpu: OffCpu, row: number, details: Details): WakeKind {
  if (offCpu.open[row] === 1 && offCpu.wokenNs[row] === offCpu.endNs[row]) return { kind: 'not_woken' };
  const context = contextOf(offCpu, row);
  const waker = offCpu.waker[row] ?? -1;
  if (context === 'task' && waker >= 0) return { kind: 'task', waker, contextSeen: true };
  const { interrupt, timeoutNs } = details.offCpu(offCpu.id[row] ?? -1);
  const waitedNs = (offCpu.wokenNs[row] as number) - (offCpu.startNs[row] as number);
  if (interrupt === 'timer') return { kind: 'timed_out' };
  if (timeoutNs !== undefined && timeoutNs > 0 && waitedNs >= timeoutNs * TIMED_OUT)
    return { kind: 'timed_out' };
  if (context === 'kernel_thread') return { kind: 'kernel_thread', waker, raisedBy: interrupt };
  if (context === 'interrupt' || waker === IDLE) return { kind: 'interrupt', raisedBy: interrupt };
  return waker >= 0 ? { kind: 'task', waker, contextSeen: false } : { kind: 'unknown' };
}
