// A thread could run and had no CPU: who had it. The CPU slices of the CPU it queued on say so, one by one; what no
// slice covers is the scheduler's own delay.

import type { CauseNode } from '../api.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { upperBound } from '../columns/search.ts';
import { ns } from '../time.ts';
import { branch, leaf } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import type { Walk } from './walk.ts';
import { competitor } from './words.ts';

export function runnable(
  walk: Walk,
  thread: number,
  row: number,
  startNs: number,
  endNs: number,
  depth: number,
  followed: boolean,
): CauseNode {
  const reason = reasonOf(walk.columns.offCpu, row);
  const base = {
    thread: walk.ref(thread),
    startNs,
    endNs,
    ...walk.sure('seen', startNs, endNs, row),
    rows: [walk.offCpuRow(row)],
  } as const;
  if (reason === 'throttled') {
    return leaf({
      ...base,
      edge: 'throttled',
      state: 'throttled',
      label: 'stopped by the CPU quota of its group',
    });
  }
  const why =
    reason === 'preempted'
      ? 'preempted: it could run and had no CPU'
      : reason === 'yielded'
        ? 'it gave the CPU up (sched_yield) and waited to get it back'
        : 'woken: it could run and had no CPU yet';
  return branch(
    { ...base, edge: 'runnable', state: 'runnable', label: why },
    followed ? expand(walk, thread, competitorParts(walk, thread, row, startNs, endNs), depth) : [],
  );
}

interface Occupied {
  readonly startNs: number;
  readonly endNs: number;
  /** Thread that had the CPU; -1 = nobody that was seen. */
  readonly by: number;
  readonly cpu: number;
  /** Row of cpu_slice; -1 = none. */
  readonly slice: number;
}

/** Who had the CPU while `thread` was runnable in off-CPU row `row`: end to end over the interval. */
export function competitorParts(
  walk: Walk,
  thread: number,
  row: number,
  startNs: number,
  endNs: number,
): readonly Part[] {
  const { offCpu, slices } = walk.columns;
  const before = offCpu.cpuBefore[row] ?? -1;
  const after = offCpu.cpuAfter[row] ?? -1;
  // A preempted thread stays queued where it was until it is moved, which is mostly just before it runs; a woken one
  // is queued where it will run. Either way the other CPU is asked about what is left.
  const preempted = offCpu.wokenNs[row] === offCpu.startNs[row];
  const [queue, other] = preempted && before >= 0 ? [before, after] : [after, before];
  const parts: Part[] = [];
  for (const stretch of occupied(walk, queue, thread, startNs, endNs)) {
    const stretches =
      stretch.by < 0 && other >= 0 && other !== queue
        ? occupied(walk, other, thread, stretch.startNs, stretch.endNs)
        : [stretch];
    for (const each of stretches) {
      parts.push(each.by < 0 ? idle(walk, thread, row, queue, each) : behind(walk, each));
    }
  }
  if (slices.rows === 0 && parts.length === 1)
    return [nextOnCpu(walk, thread, row, startNs, endNs) ?? parts[0]].filter(part => part !== undefined);
  return parts;
}

/** The interval on one CPU, end to end, neighbours of the same thread joined. */
function occupied(
  walk: Walk,
  cpu: number,
  thread: number,
  startNs: number,
  endNs: number,
): readonly Occupied[] {
  const { slices } = walk.columns;
  const range = slices.byCpu.get(cpu);
  const stretches: Occupied[] = [];
  let cursor = startNs;
  const put = (until: number, by: number, slice: number): void => {
    if (until <= cursor) return;
    const last = stretches[stretches.length - 1];
    if (last !== undefined && last.by === by) stretches[stretches.length - 1] = { ...last, endNs: until };
    else stretches.push({ startNs: cursor, endNs: until, by, cpu, slice });
    cursor = until;
  };
  if (range !== undefined) {
    const first = upperBound(slices.startNs, startNs, range.from, range.to) - 1;
    for (let row = Math.max(range.from, first); row < range.to && cursor < endNs; row++) {
      const begin = slices.startNs[row] as number;
      if (begin >= endNs) break;
      put(Math.min(endNs, begin), -1, -1);
      const by = slices.thread[row] as number;
      // A thread does not wait behind itself, nor behind one that is shown to wait for it.
      const credible =
        by >= 0 && by !== thread && !walk.onPath(by, cursor, Math.min(endNs, slices.endNs[row] as number));
      put(Math.min(endNs, slices.endNs[row] as number), credible ? by : -1, credible ? row : -1);
    }
  }
  put(endNs, -1, -1);
  return stretches;
}

function behind(walk: Walk, stretch: Occupied): Part {
  const { startNs, endNs, cpu } = stretch;
  const make = (): CauseNode =>
    leaf({
      edge: 'behind',
      state: 'runnable',
      thread: walk.ref(stretch.by),
      startNs,
      endNs,
      label: `behind ${competitorOf(walk, stretch.by)} on CPU ${cpu}`,
      ...walk.sure('seen', startNs, endNs),
      rows: [{ table: 'cpu_slice', cpu, startNs: sliceStart(walk, stretch.slice) }],
      cpu,
    });
  return { startNs, endNs, state: 'runnable', make };
}

function idle(walk: Walk, thread: number, row: number, cpu: number, stretch: Occupied): Part {
  const { startNs, endNs } = stretch;
  const make = (): CauseNode =>
    leaf({
      edge: 'runnable',
      state: 'runnable',
      thread: walk.ref(thread),
      startNs,
      endNs,
      label:
        cpu < 0
          ? 'waiting for the scheduler: which CPU was not seen'
          : `waiting for the scheduler: nobody else was seen on CPU ${cpu}`,
      ...walk.sure('seen', startNs, endNs, row),
      rows: [walk.offCpuRow(row)],
      cpu,
    });
  return { startNs, endNs, state: 'runnable', make };
}

/** Where no slices were recorded: who got the CPU at the switch is known, not how long it kept it. */
function nextOnCpu(
  walk: Walk,
  thread: number,
  row: number,
  startNs: number,
  endNs: number,
): Part | undefined {
  const { offCpu, details, threads } = walk.columns;
  if (offCpu.wokenNs[row] !== offCpu.startNs[row]) return undefined;
  const next = threads.byId.get(details.offCpu(offCpu.id[row] ?? -1).nextThreadId ?? -1);
  if (next === undefined || next === thread || walk.onPath(next, startNs, endNs)) return undefined;
  const make = (): CauseNode =>
    leaf({
      edge: 'behind',
      state: 'runnable',
      thread: walk.ref(next),
      startNs,
      endNs,
      label: `behind ${competitorOf(walk, next)}`,
      ...walk.sure('waker', startNs, endNs, row),
      rows: [walk.offCpuRow(row)],
      cpu: offCpu.cpuBefore[row],
    });
  return { startNs, endNs, state: 'runnable', make };
}

function competitorOf(walk: Walk, thread: number): string {
  const ref = walk.ref(thread);
  const own = ref !== undefined && ref.pid === walk.columns.collectorPid;
  return own ? `Wakechain's own collector (pid ${ref.pid})` : competitor(ref);
}

const sliceStart = (walk: Walk, slice: number) => ns(walk.columns.slices.startNs[slice] ?? 0);
