// The time axis: ticks at round steps of trace time, so that they move with the rows, told as short offsets from a
// round base that the gutter names once ("14:03:15.180", then "+2 ms", "+4 ms").

import { scaleLinear } from 'd3-scale';
import type { Span } from '../../extension/trace/time.ts';
import { formatDuration } from '../base/format.ts';

export interface Tick {
  readonly atNs: number;
  readonly label: string;
}

export interface Axis {
  readonly baseNs: number;
  /** Digits of the second's fraction that the base needs. */
  readonly baseDigits: number;
  readonly ticks: readonly Tick[];
}

const UNITS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'us'],
] as const;

/** About one tick in `pixels` of the width. */
export function axisOf(visible: Span, width: number, pixels: number): Axis {
  const count = Math.max(2, Math.floor(width / pixels));
  const scale = scaleLinear().domain([visible.startNs, visible.endNs]);
  const at = scale.ticks(count).filter(tick => Number.isInteger(tick));
  const [first, second] = at;
  const step = first === undefined || second === undefined ? visible.endNs - visible.startNs : second - first;
  const round = 10 ** Math.ceil(Math.log10(step) + 1e-9);
  const baseNs = Math.floor(visible.startNs / round) * round;
  return {
    baseNs,
    baseDigits: round >= 1e9 ? 0 : round >= 1e6 ? 3 : round >= 1e3 ? 6 : 9,
    ticks: at.map(atNs => ({ atNs, label: `+${inUnit(atNs - baseNs, (at.at(-1) ?? baseNs) - baseNs)}` })),
  };
}

/** All ticks of an axis in one unit, that of the furthest: "+0.5 ms" beside "+1 ms". */
function inUnit(offsetNs: number, furthestNs: number): string {
  const [size, unit] = UNITS.find(([least]) => furthestNs >= least) ?? [1, 'ns'];
  return `${Number((offsetNs / size).toFixed(3))} ${unit}`;
}

/** "12.6 ms from +3.204 312 s": a stretch in words, for people who hear the page. */
export const spanInWords = (span: Span): string =>
  `${formatDuration(span.endNs - span.startNs)} from ${formatDuration(span.startNs)} into the capture`;
