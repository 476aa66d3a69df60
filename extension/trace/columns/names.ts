// The small vocabularies of `name`, as codes that fit a byte. Words this engine does not know become 'other'.

import type { DatabaseSync } from 'node:sqlite';
import { eachRow, integer, text } from './read.ts';

/** off_cpu.reason_id, by code. */
export const REASONS = [
  'other',
  'preempted',
  'yielded',
  'throttled',
  'futex',
  'sleep',
  'poll',
  'disk',
  'page_fault',
  'pipe',
  'socket',
  'gpu',
  'child',
  'kernel_lock',
  'stopped',
  'uninterruptible',
] as const;
export type Reason = (typeof REASONS)[number];

/** off_cpu.waker_context_id, by code; 'not taken' where the column is NULL. */
export const CONTEXTS = ['not taken', 'task', 'kernel_thread', 'interrupt'] as const;
export type Context = (typeof CONTEXTS)[number];

export interface Names {
  reason(nameId: number): number;
  context(nameId: number): number;
}

export function loadNames(db: DatabaseSync): Names {
  const reasons = new Map<number, number>();
  const contexts = new Map<number, number>();
  eachRow(db, 'SELECT id, name FROM name', cells => {
    const id = integer(cells[0]);
    const word = text(cells[1]);
    if (id === undefined || word === undefined) return;
    const reason = (REASONS as readonly string[]).indexOf(word);
    const context = (CONTEXTS as readonly string[]).indexOf(word);
    if (reason > 0) reasons.set(id, reason);
    if (context > 0) contexts.set(id, context);
  });
  return { reason: id => reasons.get(id) ?? 0, context: id => contexts.get(id) ?? 0 };
}
