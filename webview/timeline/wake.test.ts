import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RowDetails, ThreadInfo } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { wakeOf } from './wake.ts';

const THREADS = [{ id: 2, tid: 84230, pid: 84219 } as ThreadInfo];
const row = (columns: Readonly<Record<string, string | number | undefined>>): RowDetails => ({
  ref: { table: 'off_cpu', id: 1 },
  columns: Object.entries(columns).map(([name, value]) => ({ name, value })),
  stacks: [],
  thread: { id: 1, tid: 84219, pid: 84219, name: 'engine', process: 'vllm' },
  span: { startNs: ns(100), endNs: ns(500) },
});

for (const [name, columns, want] of [
  ['at its end', { waker_tid: 84230, waker_pid: 84219 }, { atNs: 500, waker: 2, woken: 1 }],
  [
    'before it waited for a CPU',
    { waker_tid: 84230, waker_pid: 84219, runnable_ns: 30 },
    { atNs: 470, waker: 2, woken: 1 },
  ],
  ['not by an interrupt', { waker_tid: 84230, waker_pid: 84219, waker_context: 'interrupt' }, undefined],
  ['a thread the file does not know', { waker_tid: 1, waker_pid: 1 }, undefined],
  ['nobody', {}, undefined],
] as const) {
  test(`woken ${name}`, () => assert.deepEqual(wakeOf(row(columns), THREADS), want));
}
