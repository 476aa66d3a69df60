// A row of the database in words: what it is, in a line, and how a wait ended. Pure.

import type { RowDetails } from '../../extension/trace/api.ts';
import { formatDuration, plain } from '../base/format.ts';
import { rowKey } from './store.ts';

function cell(row: RowDetails, name: string): string | undefined {
  const found = row.columns.find(column => column.name === name)?.value;
  return found === undefined || found === null ? undefined : plain(String(found));
}

/** "engine was off the CPU for 12.6 ms: futex", "cudaLaunchKernel on engine took 13.1 ms". */
export function titleOf(row: RowDetails): string {
  const who = row.thread?.name ?? 'A thread';
  const length = formatDuration(row.span.endNs - row.span.startNs);
  switch (row.ref.table) {
    case 'cuda_call':
      return `${cell(row, 'function') ?? 'A CUDA call'} on ${who} took ${length}`;
    case 'off_cpu':
      return `${who} was off the CPU for ${length}: ${(cell(row, 'reason') ?? 'reason not known').replaceAll('_', ' ')}`;
    case 'cpu_slice':
      return `${who} ran on CPU ${row.ref.cpu} for ${length}`;
    default:
      return `${rowKey(row.ref)}, ${length}`;
  }
}

/** Who ended a wait, or who had the CPU meanwhile; empty where the row does not say. */
export function endedBy(row: RowDetails): string {
  const waker = cell(row, 'waker_thread');
  const interrupt = cell(row, 'interrupt');
  const next = cell(row, 'next_process');
  const call = cell(row, 'waker_syscall');
  if (interrupt !== undefined) return `woken by an interrupt: ${interrupt}`;
  if (waker !== undefined) return `woken by ${waker}${call === undefined ? '' : ` in ${call}`}`;
  if (next !== undefined) return `CPU ${cell(row, 'cpu_before') ?? ''} ran ${next}`;
  return '';
}

/** "blocked 12.6 ms, then 0.2 ms waiting for CPU 1 · woken by tokenizer in futex". */
export function waitInWords(row: RowDetails): string {
  if (row.ref.table !== 'off_cpu') return '';
  const runnable = row.columns.find(column => column.name === 'runnable_ns')?.value;
  const length = row.span.endNs - row.span.startNs;
  const cpu = cell(row, 'cpu_after');
  const parts =
    typeof runnable !== 'number'
      ? []
      : runnable >= length
        ? [`waiting for ${cpu === undefined ? 'a CPU' : `CPU ${cpu}`} all the time`]
        : [
            `blocked ${formatDuration(length - runnable)}` +
              (runnable > 0
                ? `, then ${formatDuration(runnable)} waiting for ${cpu === undefined ? 'a CPU' : `CPU ${cpu}`}`
                : ''),
          ];
  return [...parts, endedBy(row)].filter(part => part !== '').join(' · ');
}
