// A thread waits for a lock inside the kernel: the address space of its process (mmap, munmap, a fault), a file's inode.
// Who let it go made the wake-up. Where the lock has an object of its own, its unlocks are cut like those of any lock;
// where it has none, the chain is walked back from our wake-up: a holder that had itself come back from waiting for the
// same lock had it from then on, and who woke that one had it before.
//
//     |--- held by A ---|~|------- held by B -------|      ~ = hand-off: B was woken and not running yet
//     our wait begins    A woke B                    B woke us

import type { CauseNode } from '../api.ts';
import { contextOf, KERNEL_LOCK } from '../columns/off-cpu.ts';
import { upperBound } from '../columns/search.ts';
import { handOff, held } from './holder.ts';
import { isAddressSpace, isSameLock, kernelSite } from './kernel-site.ts';
import { segments } from './lock.ts';
import { branch, unexplained } from './nodes.ts';
import { expand, type Part } from './parts.ts';
import type { Wait } from './wait.ts';
import type { Walk } from './walk.ts';

/** Holders walked back through at most, and waits of each that are looked at. */
const MOST_HOLDERS = 64;
const LOOK_BACK = 64;

export function kernelLockWait(walk: Walk, wait: Wait): CauseNode {
  const { thread, row, startNs, endNs, depth } = wait;
  const { offCpu } = walk.columns;
  const object = offCpu.object[row] ?? -1;
  const site = kernelSite(walk, row);
  const base = {
    edge: 'kernel_lock',
    state: 'lock',
    thread: walk.ref(thread),
    startNs,
    endNs,
    label: `waiting for a lock inside the kernel${site === undefined ? '' : ` (${site})`}`,
    ...walk.sure('seen', startNs, endNs, row),
    rows: [walk.offCpuRow(row)],
    object: walk.object(row),
  } as const;
  if (!wait.followed) return branch(base, []);
  const parts =
    object >= 0
      ? segments(walk, wait, { wakes: walk.wakes.ofWord(object, 'locks'), known: 'seen' }, row)
      : walkedBack(walk, wait, site);
  return branch(base, parts === undefined ? 'crowd' : expand(walk, thread, parts, depth));
}

function walkedBack(walk: Walk, wait: Wait, site: string | undefined): readonly Part[] {
  const { offCpu } = walk.columns;
  const { startNs, endNs } = wait;
  const depth = wait.depth + 1;
  const parts: Part[] = [];
  let row = wait.row;
  let cursor = endNs;
  for (let holders = 0; holders < MOST_HOLDERS && cursor > startNs; holders++) {
    const holder = offCpu.waker[row] ?? -1;
    const context = contextOf(offCpu, row);
    if (holder < 0 || (context !== 'task' && context !== 'not taken') || offCpu.open[row] === 1) break;
    const before = cameBack(walk, holder, row, startNs, site, wait.thread);
    const from = before === undefined ? startNs : Math.max(startNs, offCpu.endNs[before] as number);
    if (from < cursor) {
      // That it let the lock go was seen; that it had it all the time only if it came back from waiting for it.
      const link = before === undefined ? 'waker' : 'holder';
      const rows = before === undefined ? [row] : [row, before];
      parts.unshift(held(walk, { holder, rows, startNs: from, endNs: cursor, depth, link }));
      cursor = from;
    }
    if (before === undefined) return parts;
    const wokenNs = Math.max(startNs, offCpu.wokenNs[before] as number);
    if (wokenNs < cursor) {
      parts.unshift(handOff(walk, before, wokenNs, cursor, depth));
      cursor = wokenNs;
    }
    row = before;
  }
  if (cursor > startNs) parts.unshift(nobody(walk, wait, cursor));
  return parts;
}

/** The holder's own last wait for the lock that ended before it woke `row`, and after our wait began. */
function cameBack(
  walk: Walk,
  holder: number,
  row: number,
  startNs: number,
  site: string | undefined,
  waiter: number,
): number | undefined {
  const { offCpu, threads } = walk.columns;
  const wokenNs = offCpu.wokenNs[row] as number;
  const from = offCpu.offsets[holder] ?? 0;
  const last = upperBound(offCpu.startNs, wokenNs, from, offCpu.offsets[holder + 1] ?? 0) - 1;
  for (let before = last; before >= Math.max(from, last - LOOK_BACK); before--) {
    if ((offCpu.wokenNs[before] as number) <= startNs) return undefined;
    if (offCpu.lock[before] !== KERNEL_LOCK || (offCpu.endNs[before] as number) > wokenNs) continue;
    const other = kernelSite(walk, before);
    if (!isSameLock(other, site)) continue;
    if (isAddressSpace(site) && threads.processes[holder] !== threads.processes[waiter]) continue;
    return before;
  }
  return undefined;
}

function nobody(walk: Walk, wait: Wait, untilNs: number): Part {
  const { startNs } = wait;
  const make = (): CauseNode =>
    unexplained(walk.ref(wait.thread), startNs, untilNs, 'who held the lock inside the kernel was not seen', [
      walk.offCpuRow(wait.row),
    ]);
  return { startNs, endNs: untilNs, state: 'unexplained', make };
}
