// A thread waits for a lock: who held it, segment by segment (causes.md, "Locks: who held it").
//
//     unlock w1 by A          unlock w2 by B       unlock w3 by C = our wake-up
//   ------|-----------------------|---------------------|
//      (w1, w2] held by B            (w2, w3] held by C
//         |~~~|  from each, the hand-off is taken away: the thread woken at w1 had not run yet, so that was
//                waiting for a CPU, not holding.

import type { CauseNode } from '../api.ts';
import { contextOf } from '../columns/off-cpu.ts';
import { upperBound } from '../columns/search.ts';
import { gaveUp, isGil } from './gil.ts';
import { handOff, held } from './holder.ts';
import type { Lock } from './lock-kind.ts';
import { branch, unexplained } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import { ownerOf } from './pi-owner.ts';
import type { Wait } from './wait.ts';
import type { Wakes } from './wakes.ts';
import type { Walk } from './walk.ts';
import { address } from './words.ts';

/** More unlocks than this inside one wait are not cut one by one. */
const MOST_SEGMENTS = 20_000;
/** How many unlocks back the proof is looked for that a holder had come back from waiting for the lock. */
const PROOF_WITHIN = 64;

/** `lastRow`: the interval that ended the wait, where several are one (gil.ts). */
export function lockWait(walk: Walk, wait: Wait, lock: Lock, lastRow = wait.row): CauseNode {
  const { startNs, endNs, row, depth } = wait;
  const object = walk.object(row);
  const base = {
    edge: 'lock',
    state: 'lock',
    thread: walk.ref(wait.thread),
    startNs,
    endNs,
    label: `waiting for ${lockName(object)}`,
    ...walk.sure(lock.known, startNs, endNs, lastRow),
    rows: [walk.offCpuRow(row), ...(lastRow === row ? [] : [walk.offCpuRow(lastRow)])],
    object,
  } as const;
  if (!wait.followed) return branch(base, []);
  const parts = segments(walk, wait, lock, lastRow);
  return branch(base, parts === undefined ? 'crowd' : expand(walk, wait.thread, parts, depth));
}

export function lockName(object: CauseNode['object']): string {
  if (object === undefined) return 'a lock';
  if (isGil(object)) return "Python's interpreter lock (GIL)";
  if (object.name !== undefined) return `lock ${object.name}`;
  return object.address === undefined ? `lock ${object.id}` : `lock ${address(object.address)}`;
}

/** The wait cut into who held the lock; undefined where there are too many to cut. */
export function segments(walk: Walk, wait: Wait, lock: Lock, lastRow: number): readonly Part[] | undefined {
  const { offCpu } = walk.columns;
  const { wakes } = lock;
  const { startNs, endNs } = wait;
  const first = upperBound(wakes.atNs, startNs);
  // Our own wake-up is the last unlock that says anything about our wait.
  const last = upperBound(wakes.atNs, offCpu.wokenNs[lastRow] as number, first);
  if (last - first > MOST_SEGMENTS) return undefined;
  const depth = wait.depth + 1;
  const parts: Part[] = [];
  let cursor = startNs;
  for (let wake = first; wake < last && cursor < endNs; wake++) {
    const unlockNs = Math.min(endNs, wakes.atNs[wake] as number);
    const handedTo = wake > 0 ? (wakes.row[wake - 1] as number) : -1;
    const ranNs = handedTo < 0 ? cursor : Math.min(unlockNs, offCpu.endNs[handedTo] as number);
    if (ranNs > cursor) parts.push(handOff(walk, handedTo, cursor, ranNs, depth));
    cursor = Math.max(cursor, ranNs);
    if (unlockNs > cursor) {
      const row = wakes.row[wake] as number;
      const holder = offCpu.waker[row] as number;
      const proof = cameBack(walk, wakes, wake, holder);
      const owned = proof === undefined && wake === first && ownerOf(walk, wait.row) === holder;
      const link = lock.known === 'pattern' ? 'pattern' : proof !== undefined || owned ? 'seen' : 'holder';
      const rows = proof === undefined ? [row] : [row, proof];
      parts.push(held(walk, { holder, rows, startNs: cursor, endNs: unlockNs, depth, link }));
    }
    cursor = Math.max(cursor, unlockNs);
  }
  if (cursor >= endNs) return parts;
  parts.push(rest(walk, wait, lastRow, cursor, parts.length === 0));
  return parts;
}

/** After the last unlock that was seen: who is known otherwise, or nobody. */
function rest(walk: Walk, wait: Wait, lastRow: number, startNs: number, isAll: boolean): Part {
  const { thread, endNs } = wait;
  const segment = { startNs, endNs, depth: wait.depth + 1, link: 'holder' } as const;
  const owner = isAll ? ownerOf(walk, wait.row) : undefined;
  if (owner !== undefined) return held(walk, { ...segment, holder: owner, rows: [wait.row] });
  const row = gaveUp(walk, thread, lastRow);
  if (row === undefined) return nobody(walk, thread, lastRow, startNs, endNs);
  return held(walk, { ...segment, holder: walk.columns.offCpu.thread[row] as number, rows: [row] });
}

/** The wait that `holder` had come back from since it last unlocked: proof that it took the lock. */
function cameBack(walk: Walk, wakes: Wakes, wake: number, holder: number): number | undefined {
  const { offCpu } = walk.columns;
  const unlockNs = wakes.atNs[wake] as number;
  for (let back = wake - 1; back >= Math.max(0, wake - PROOF_WITHIN); back--) {
    const row = wakes.row[back] as number;
    if (offCpu.thread[row] === holder && (offCpu.endNs[row] as number) < unlockNs) return row;
    if (offCpu.waker[row] === holder) return undefined;
  }
  return undefined;
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
