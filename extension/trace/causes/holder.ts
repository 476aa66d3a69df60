// The parts of a wait for a lock: a holder for its segment, and the hand-off to the next one, which holds nothing yet.

import type { CauseNode } from '../api.ts';
import { branch } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import { competitorParts } from './runnable.ts';
import type { Link } from './sure.ts';
import type { Walk } from './walk.ts';
import { named } from './words.ts';

export interface Segment {
  /** Index of the thread. */
  readonly holder: number;
  /** Rows of off_cpu that tell: the wait that its unlock ended, the wait it had come back from itself. */
  readonly rows: readonly number[];
  readonly startNs: number;
  readonly endNs: number;
  readonly depth: number;
  readonly link: Link;
}

export function held(walk: Walk, segment: Segment): Part {
  const { holder, rows, startNs, endNs, depth, link } = segment;
  const make = (followed: boolean): CauseNode => {
    const ref = walk.ref(holder);
    const [told = -1] = rows;
    return branch(
      {
        edge: 'held_by',
        state: 'lock',
        thread: ref,
        startNs,
        endNs,
        label: `held by ${named(ref)}`,
        ...walk.sure(link, startNs, endNs, told),
        rows: rows.map(row => walk.offCpuRow(row)),
        object: walk.object(told),
      },
      walk.follow(holder, startNs, endNs, depth, followed),
    );
  };
  return { startNs, endNs, state: 'lock', make };
}

/** The lock was free, or taken by a passer-by, while the thread that it was meant for waited for a CPU. */
export function handOff(walk: Walk, handedTo: number, startNs: number, endNs: number, depth: number): Part {
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
      ...walk.sure('seen', startNs, endNs, handedTo),
      rows: [walk.offCpuRow(handedTo)],
    } as const;
    if (walk.onPath(woken, startNs, endNs)) return branch(base, 'cycle');
    if (!followed) return branch(base, []);
    return branch(base, expand(walk, woken, competitorParts(walk, woken, handedTo, startNs, endNs), depth));
  };
  return { startNs, endNs, state: 'runnable', make };
}
