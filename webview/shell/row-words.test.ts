import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RowDetails, RowRef } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { endedBy, titleOf, waitInWords } from './row-words.ts';

const row = (ref: RowRef, columns: Readonly<Record<string, string | number | undefined>>): RowDetails => ({
  ref,
  columns: Object.entries(columns).map(([name, value]) => ({ name, value })),
  stacks: [],
  thread: { id: 1, tid: 84219, pid: 84201, name: 'engine', process: 'vllm' },
  span: { startNs: ns(0), endNs: ns(12_800_000) },
});
const wait = (columns: Readonly<Record<string, string | number | undefined>>): RowDetails =>
  row({ table: 'off_cpu', id: 7 }, columns);

for (const [name, got, want] of [
  [
    'a call',
    titleOf(row({ table: 'cuda_call', id: 1 }, { function: 'cudaMalloc' })),
    'cudaMalloc on engine took 12.8 ms',
  ],
  ['a wait', titleOf(wait({ reason: 'page_fault' })), 'engine was off the CPU for 12.8 ms: page fault'],
  [
    'a slice',
    titleOf(row({ table: 'cpu_slice', cpu: 3, startNs: ns(0) }, {})),
    'engine ran on CPU 3 for 12.8 ms',
  ],
  [
    'woken by a thread',
    endedBy(wait({ waker_thread: 'tokenizer', waker_syscall: 'futex' })),
    'woken by tokenizer in futex',
  ],
  [
    'a borrowed thread is not to blame',
    endedBy(wait({ waker_thread: 'swapper', interrupt: 'timer' })),
    'woken by an interrupt: timer',
  ],
  ['preempted', endedBy(wait({ next_process: 'stress-ng', cpu_before: 3 })), 'CPU 3 ran stress-ng'],
  [
    'blocked, then runnable',
    waitInWords(wait({ runnable_ns: 200_000, cpu_after: 1, waker_thread: 'tokenizer' })),
    'blocked 12.6 ms, then 200 us waiting for CPU 1 · woken by tokenizer',
  ],
  ['runnable all along', waitInWords(wait({ runnable_ns: 12_800_000 })), 'waiting for a CPU all the time'],
  ['not observed', waitInWords(wait({})), ''],
] as const) {
  test(name, () => assert.equal(got, want));
}
