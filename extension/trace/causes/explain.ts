// explain(thread, interval): what a thread did there, as nodes that cover the interval exactly. Nested CUDA calls get
// nodes of their own; what is left is cut at the thread's state changes, and each piece asked why.

import type { CauseNode } from '../api.ts';
import type { Columns } from '../columns/index.ts';
import { lowerBound, upperBound } from '../columns/search.ts';
import { blocked } from './blocked.ts';
import { cut, type Piece } from './cut.ts';
import { setsUp } from './first-use.ts';
import { lastJoined } from './gil.ts';
import { lockWait } from './lock.ts';
import { lockOf } from './lock-kind.ts';
import { branch, SEEN } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import { runnable } from './runnable.ts';
import { runningParts, unseen } from './running.ts';
import { blockedState } from './wait.ts';
import type { LockWakes } from './wakes.ts';
import { type Around, type ExplainThread, Walk } from './walk.ts';

/** The whole explanation of one delay: its root, with `children` that add up to it. */
export function explain(
  columns: Columns,
  wakes: LockWakes,
  root: Omit<CauseNode, 'children'>,
  thread: number,
  around: Around,
): CauseNode {
  const startNs = root.startNs;
  const endNs = startNs + root.durationNs;
  const walk = new Walk(columns, wakes, explainThread, thread, startNs, endNs);
  return branch({ ...root, endNs }, walk.stay(thread, startNs, endNs, 0, around));
}

/** Children of the node at `depth`, for what `thread` did in [startNs, endNs). */
const explainThread: ExplainThread = (walk, thread, startNs, endNs, depth, around) => {
  const calls = nestedCalls(walk, thread, startNs, endNs, around.call);
  return expand(walk, thread, () => partsOf(walk, thread, startNs, endNs, calls, depth + 1, around), depth);
};

function* partsOf(
  walk: Walk,
  thread: number,
  startNs: number,
  endNs: number,
  nested: readonly number[],
  depth: number,
  around: Around,
): Generator<Part> {
  let cursor = startNs;
  for (const call of nested) {
    const from = Math.max(cursor, walk.columns.calls.startNs[call] as number);
    const to = Math.min(endNs, walk.columns.calls.endNs[call] as number);
    yield* pieceParts(walk, thread, cursor, from, depth, around);
    yield callPart(walk, thread, call, from, to, depth, around);
    cursor = to;
  }
  yield* pieceParts(walk, thread, cursor, endNs, depth, around);
}

/** Calls directly inside `parent` (-1: outermost calls) that are long enough in the interval to stand by themselves. */
function nestedCalls(
  walk: Walk,
  thread: number,
  startNs: number,
  endNs: number,
  parent: number,
): readonly number[] {
  const { calls } = walk.columns;
  const from = parent < 0 ? (calls.offsets[thread] ?? 0) : parent + 1;
  const to = calls.offsets[thread + 1] ?? 0;
  const found: number[] = [];
  let row = Math.max(from, upperBound(calls.startNs, startNs, from, to) - 1);
  while (row > from && calls.parent[row] !== parent) row = Math.max(from, ancestorBelow(walk, row, parent));
  while (row < to && (calls.startNs[row] as number) < endNs) {
    const end = calls.endNs[row] as number;
    if (calls.parent[row] === parent) {
      const inside = Math.min(end, endNs) - Math.max(calls.startNs[row] as number, startNs);
      if (inside >= walk.shortNs) found.push(row);
    } else if (parent >= 0 && (calls.startNs[row] as number) >= (calls.endNs[parent] as number)) {
      break;
    }
    row = Math.max(row + 1, lowerBound(calls.startNs, end, row, to));
  }
  return found;
}

/** The call around `row` that lies directly inside `parent`; where there is none, the row before it. */
function ancestorBelow(walk: Walk, row: number, parent: number): number {
  const { calls } = walk.columns;
  let at = row;
  while (at >= 0 && calls.parent[at] !== parent) at = calls.parent[at] as number;
  return at >= 0 ? at : row - 1;
}

function callPart(
  walk: Walk,
  thread: number,
  call: number,
  startNs: number,
  endNs: number,
  depth: number,
  around: Around,
): Part {
  const { calls } = walk.columns;
  const fn = calls.functions[calls.function[call] ?? 0];
  const state = around.spinning || fn?.category === 'synchronize' ? 'gpu' : 'running';
  const make = (followed: boolean): CauseNode =>
    branch(
      {
        edge: 'nested_call',
        state: 'running',
        thread: walk.ref(thread),
        startNs,
        endNs,
        label: `in ${fn?.name ?? 'a CUDA call'}`,
        confidence: SEEN,
        rows: [{ table: 'cuda_call', id: calls.id[call] ?? -1 }],
      },
      followed ? walk.stay(thread, startNs, endNs, depth, inside(walk.columns, call, around)) : [],
    );
  return { startNs, endNs, state, make };
}

/** What a piece inside `call` is in. */
export function inside(columns: Columns, call: number, around: Around): Around {
  const { calls } = columns;
  const synchronizes = calls.functions[calls.function[call] ?? 0]?.category === 'synchronize';
  return {
    call,
    spinning: around.spinning || synchronizes,
    setsUp: around.setsUp ?? setsUp(columns, call),
  };
}

function* pieceParts(
  walk: Walk,
  thread: number,
  startNs: number,
  endNs: number,
  depth: number,
  around: Around,
): Generator<Part> {
  if (endNs <= startNs) return;
  let doneNs = startNs;
  for (const piece of cut(walk.columns, thread, startNs, endNs)) {
    // Part of a wait that began before.
    if (piece.startNs < doneNs) continue;
    const part =
      piece.kind === 'blocked' ? blockedPart(walk, thread, piece, endNs, depth, around) : undefined;
    if (part === undefined) yield* awakeParts(walk, thread, piece, depth, around);
    else yield part;
    doneNs = part?.endNs ?? piece.endNs;
  }
}

/** A wait; those for Python's interpreter lock that follow one another are one, up to `untilNs`. */
function blockedPart(
  walk: Walk,
  thread: number,
  piece: Piece,
  untilNs: number,
  depth: number,
  around: Around,
): Part {
  const { startNs, row } = piece;
  const { offCpu } = walk.columns;
  const last = lastJoined(walk, row);
  const endNs = last === row ? piece.endNs : Math.min(untilNs, offCpu.wokenNs[last] as number);
  const make = (followed: boolean): CauseNode => {
    const wait = { thread, row, startNs, endNs, depth, around, followed };
    const lock = last === row ? undefined : lockOf(walk, row);
    return lock === undefined ? blocked(walk, wait) : lockWait(walk, wait, lock, last);
  };
  return { startNs, endNs, state: blockedState(walk, row), make };
}

function awakeParts(
  walk: Walk,
  thread: number,
  piece: Piece,
  depth: number,
  around: Around,
): readonly Part[] {
  const { startNs, endNs, row } = piece;
  switch (piece.kind) {
    case 'unseen':
      return [{ startNs, endNs, state: 'unexplained', make: () => unseen(walk, thread, startNs, endNs) }];
    case 'runnable': {
      const make = (followed: boolean): CauseNode =>
        runnable(walk, thread, row, startNs, endNs, depth, followed);
      return [{ startNs, endNs, state: 'runnable', make }];
    }
    default:
      return runningParts(walk, thread, piece, around);
  }
}
