// How numbers and things are written in sentences and labels: short, with their unit.

import type { ThreadRef } from '../api.ts';

/** "850 ns", "13.1 ms", "2.31 s": three digits at most. */
export function time(durationNs: number): string {
  if (durationNs < 1000) return `${durationNs} ns`;
  for (const [unit, size] of [
    ['us', 1e3],
    ['ms', 1e6],
    ['s', 1e9],
  ] as const) {
    const value = durationNs / size;
    if (value < 999.5 || unit === 's') return `${digits(value)} ${unit}`;
  }
  return `${durationNs} ns`;
}

function digits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2).replace(/\.?0+$/, '');
}

/** "71 %", "0.4 %", "< 0.1 %". */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  // 99.96 % is not 100 %: what is not whole must not look whole.
  if (value >= 99.95 && value < 100) return '> 99.9 %';
  return `${value >= 10 && value < 99 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '')} %`;
}

/** "184 calls", "1 call". */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** "tokenizer (tid 84230)". */
export const named = (thread: ThreadRef | undefined): string =>
  thread === undefined ? 'a thread that is not in the file' : `${thread.name} (tid ${thread.tid})`;

/** "spinner (pid 123)", for a competitor: its process is what can be moved elsewhere. */
export function competitor(thread: ThreadRef | undefined): string {
  if (thread === undefined) return 'a thread that is not in the file';
  const whose = thread.process === thread.name ? '' : ` of ${thread.process}`;
  return `${thread.name}${whose} (pid ${thread.pid})`;
}

/** "0x7f31..8d0": enough of an address to tell two apart. */
export function address(value: number): string {
  const hex = value.toString(16);
  return hex.length <= 8 ? `0x${hex}` : `0x${hex.slice(0, 4)}..${hex.slice(-3)}`;
}
