// Woken by an interrupt, or by a kernel thread that only passes completions on: the chain ends at what raised it. The
// thread whose CPU the interrupt borrowed is not to blame.

import type { CauseNode } from '../api.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { simple, type Wait } from './wait.ts';
import type { WakeKind } from './wake-kind.ts';
import type { Walk } from './walk.ts';

export function raised(
  walk: Walk,
  wait: Wait,
  woken: Extract<WakeKind, { kind: 'interrupt' | 'kernel_thread' }>,
): CauseNode {
  const isSocket =
    reasonOf(walk.columns.offCpu, wait.row) === 'socket' || walk.object(wait.row)?.kind === 'socket';
  const byNetwork = woken.raisedBy === 'net_rx' || isSocket;
  const by =
    woken.kind === 'kernel_thread' ? ` (passed on by ${walk.ref(woken.waker)?.name ?? 'the kernel'})` : '';
  const label = byNetwork
    ? `waiting until something came in from the network${by}`
    : `waiting for ${source(woken.raisedBy)}${by}`;
  return simple(walk, wait, 'interrupt', byNetwork ? 'network' : 'other', label);
}

function source(raisedBy: string | undefined): string {
  if (raisedBy === undefined || raisedBy === 'other') return 'the kernel to wake it';
  return raisedBy === 'ipi' ? 'another CPU to wake it' : `a ${raisedBy} interrupt`;
}
