// A thread waits for a mutex: who held it, segment by segment (causes.md, "Locks: who held it").
//
//     unlock w1 by A          unlock w2 by B       unlock w3 by C = our wake-up
//   ------|-----------------------|---------------------|
//      (w1, w2] held by B            (w2, w3] held by C
//         |~~~|  from each, the hand-off is taken away: the thread woken at w1 had not run yet, so that was
//                waiting for a CPU, not holding.

import type { CauseNode, RowRef } from '../api.ts';
import { contextOf } from '../columns/off-cpu.ts';
import { upperBound } from '../columns/search.ts';
import { branch, HOLDER_INFERRED, SEEN, unexplained } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import { competitorParts } from './runnable.ts';
import type { Walk } from './walk.ts';
import { address, named } from './words.ts';

/** More unlocks than this inside one wait are not cut one by one. */
const MOST_SEGMENTS = 20_000;
/** How many unlocks back the proof is looked for that a holder had come back from waiting for the lock. */
const PROOF_WITHIN = 64;

export function lockWait(
  walk: Walk,
  thread: number,
  row: number,
  startNs: number,
  endNs: number,
  depth: number,
  followed: boolean,
): CauseNode {
  const object = walk.object(row);
  const base = {
    edge: 'lock',
    state: 'lock',
    thread: walk.ref(thread),
    startNs,
    endNs,
    label: `waiting for ${lockName(object)}`,
    confidence: walk.trust(SEEN, startNs, endNs),
    rows: [walk.offCpuRow(row)],
    object,
  } as const;
  if (!followed) return branch(base, []);
  const parts = segments(walk, thread, row, startNs, endNs, depth + 1);
  return branch(base, parts === undefined ? 'crowd' : expand(walk, thread, parts, depth));
}

export function lockName(object: CauseNode['object']): string {
  if (object === undefined) return 'a lock';
  if (object.name !== undefined) return `lock ${object.name}`;
  return object.address === undefined ? `lock ${object.id}` : `lock ${address(object.address)}`;
}

/** The wait cut into who held the lock; undefined where there are too many to cut. */
function segments(
  walk: Walk,
  thread: number,
  row: number,
  startNs: number,
  endNs: number,
  depth: number,
): readonly Part[] | undefined {
  const { offCpu } = walk.columns;
  const wakes = walk.wakes.of(offCpu.object[row] ?? -1);
  const first = upperBound(wakes.atNs, startNs);
  // Our own wake-up is the last unlock that says anything about our wait.
  const last = upperBound(wakes.atNs, offCpu.wokenNs[row] as number, first);
  if (last - first > MOST_SEGMENTS) return undefined;
  const parts: Part[] = [];
  let cursor = startNs;
  for (let wake = first; wake < last && cursor < endNs; wake++) {
    const unlockNs = Math.min(endNs, wakes.atNs[wake] as number);
    const handedTo = wake > 0 ? (wakes.row[wake - 1] as number) : -1;
    const ranNs = handedTo < 0 ? cursor : Math.min(unlockNs, offCpu.endNs[handedTo] as number);
    if (ranNs > cursor) parts.push(handOff(walk, handedTo, cursor, ranNs, depth));
    cursor = Math.max(cursor, ranNs);
    if (unlockNs > cursor) parts.push(held(walk, wakes.row, wake, cursor, unlockNs, depth));
    cursor = Math.max(cursor, unlockNs);
  }
  if (cursor < endNs) parts.push(nobody(walk, thread, row, cursor, endNs));
  return parts;
}

function held(
  walk: Walk,
  wakeRows: Int32Array,
  wake: number,
  startNs: number,
  endNs: number,
  depth: number,
): Part {
  const { offCpu } = walk.columns;
  const wokenRow = wakeRows[wake] as number;
  const holder = offCpu.waker[wokenRow] as number;
  const make = (followed: boolean): CauseNode => {
    const proof = cameBack(walk, wakeRows, wake, holder);
    const rows: RowRef[] = [walk.offCpuRow(wokenRow)];
    if (proof !== undefined) rows.push(walk.offCpuRow(proof));
    const ref = walk.ref(holder);
    return branch(
      {
        edge: 'held_by',
        state: 'lock',
        thread: ref,
        startNs,
        endNs,
        label: `held by ${named(ref)}`,
        confidence: walk.trust(proof === undefined ? HOLDER_INFERRED : SEEN, startNs, endNs),
        rows,
        object: walk.object(wokenRow),
      },
      walk.follow(holder, startNs, endNs, depth, followed),
    );
  };
  return { startNs, endNs, state: 'lock', make };
}

/** The wait that `holder` had come back from since it last unlocked: proof that it took the lock. */
function cameBack(walk: Walk, wakeRows: Int32Array, wake: number, holder: number): number | undefined {
  const { offCpu } = walk.columns;
  const unlockNs = offCpu.wokenNs[wakeRows[wake] as number] as number;
  for (let back = wake - 1; back >= Math.max(0, wake - PROOF_WITHIN); back--) {
    const row = wakeRows[back] as number;
    if (offCpu.thread[row] === holder && (offCpu.endNs[row] as number) < unlockNs) return row;
    if (offCpu.waker[row] === holder) return undefined;
  }
  return undefined;
}

/** The lock was free, or taken by a passer-by, while the thread that it was meant for waited for a CPU. */
function handOff(walk: Walk, handedTo: number, startNs: number, endNs: number, depth: number): Part {
  const woken = walk.columns.offCpu.thread[handedTo] as number;
  const ref = walk.ref(woken);
  const make = (followed: boolean): CauseNode => {
    const base = {
      edge: 'hand_off',
      state: 'runnable',
      thread: ref,
      startNs,
      endNs,
      label: `handed to ${named(ref)}, which had not got a CPU yet`,
      confidence: walk.trust(SEEN, startNs, endNs),
      rows: [walk.offCpuRow(handedTo)],
    } as const;
    if (walk.onPath(woken, startNs, endNs)) return branch(base, 'cycle');
    if (!followed) return branch(base, []);
    return branch(base, expand(walk, woken, competitorParts(walk, woken, handedTo, startNs, endNs), depth));
  };
  return { startNs, endNs, state: 'runnable', make };
}

/** No unlock was seen at the end of this stretch. */
function nobody(walk: Walk, thread: number, row: number, startNs: number, endNs: number): Part {
  const { offCpu } = walk.columns;
  const why =
    offCpu.open[row] === 1
      ? 'it had not got the lock when the capture stopped: who held it was not seen'
      : contextOf(offCpu, row) === 'interrupt'
        ? 'it stopped waiting by itself: who held the lock was not seen'
        : 'who held the lock was not seen';
  return {
    startNs,
    endNs,
    state: 'unexplained',
    make: () => unexplained(walk.ref(thread), startNs, endNs, why, [walk.offCpuRow(row)]),
  };
}
