// Numbers as people read them: short, with their unit, three digits that matter. And text of a stranger made safe to
// read: names on the traced host may hold anything.

import { format } from 'd3-format';

const grouped = format(',d');

export const formatCount = (count: number): string => grouped(count);

/** "1.24 M": where a count is told, not compared. */
export function formatShortCount(count: number): string {
  if (count < 10_000) return grouped(count);
  for (const [size, unit] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (count >= size) return `${digits(count / size)} ${unit}`;
  }
  return grouped(count);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  for (const [size, unit] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (bytes >= size) return `${digits(bytes / size)} ${unit}`;
  }
  return `${bytes} B`;
}

function digits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  return value.toFixed(0);
}

export function formatDuration(durationNs: number): string {
  const size = Math.abs(durationNs);
  if (size < 1e3) return `${Math.round(durationNs)} ns`;
  if (size < 999.5e3) return `${digits(durationNs / 1e3)} us`;
  if (size < 999.5e6) return `${digits(durationNs / 1e6)} ms`;
  if (size < 600e9) return `${digits(durationNs / 1e9)} s`;
  return `${(durationNs / 60e9).toFixed(1)} min`;
}

/** A share of 0 to 1. What is there is never shown as "0 %". */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.005) return '< 1 %';
  if (share < 1 && share > 0.995) return '> 99 %';
  return `${Math.round(share * 100)} %`;
}

/** Wall-clock time on the traced host's clock, in this reader's time zone. `digits`: of the second's fraction, 0 to 9. */
export function formatClock(startUnixNs: string, offsetNs: number, digits: number): string {
  const at = BigInt(startUnixNs) + BigInt(Math.round(offsetNs));
  const clock = new Date(Number(at / 1_000_000n));
  const two = (value: number): string => String(value).padStart(2, '0');
  const whole = `${two(clock.getHours())}:${two(clock.getMinutes())}:${two(clock.getSeconds())}`;
  if (digits === 0) return whole;
  return `${whole}.${String(at % 1_000_000_000n)
    .padStart(9, '0')
    .slice(0, digits)}`;
}

export function formatDay(startUnixNs: string): string {
  const clock = new Date(Number(BigInt(startUnixNs) / 1_000_000n));
  return clock.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** A point of the trace as the database counts it: "+3.204 312 s" since the capture began. */
export function formatOffset(atNs: number): string {
  return `+${(Math.round(atNs / 1e3) / 1e6).toFixed(6).replace(/(\d{3})$/, ' $1')} s`;
}

/** Control characters and direction overrides out: a thread name cannot redraw the page around it. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '\ufffd');
}

/** Middle of a long path or symbol out, both ends kept: the ends tell most. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(text.length - tail)}`;
}
