// A tree of causes as rows, each with its own strip on the explained interval's time axis. Pure.
//
// A step that did something (a call, a holder) is painted by what its parts were; a wait is painted by what it waited
// for. Siblings that say the same of the same thread become one row with several pieces, and so do their children:
// "on the CPU" before and after a wait reads as one thing, and so does being preempted four times by the same program.

import type { CauseNode, Edge, RowRef, State } from '../../extension/trace/api.ts';
import { ns, type Span } from '../../extension/trace/time.ts';
import { axisOf, type Tick } from '../timeline/ticks.ts';

export interface Piece {
  readonly state: State;
  readonly startNs: number;
  readonly endNs: number;
}

export interface ChainRow {
  /** Stable while the tree is: the path of child numbers. */
  readonly key: string;
  readonly parent: string | undefined;
  readonly level: number;
  readonly node: CauseNode;
  /** From the first piece to the last. */
  readonly span: Span;
  /** Of all pieces together. */
  readonly timeNs: number;
  /** Of the root, 0 to 1. */
  readonly share: number;
  readonly pieces: readonly Piece[];
  readonly rows: readonly RowRef[];
  readonly hasChildren: boolean;
  /** Place among its siblings, for people who hear the tree. */
  readonly position: number;
  readonly siblings: number;
}

const DOING: ReadonlySet<Edge> = new Set<Edge>([
  'slow_call',
  'slow_gap',
  'sum',
  'window',
  'nested_call',
  'held_by',
  'waited_for',
  'hand_off',
]);

const piece = (node: CauseNode): Piece => ({
  state: node.state,
  startNs: node.startNs,
  endNs: node.startNs + node.durationNs,
});

export const piecesOf = (node: CauseNode): readonly Piece[] =>
  DOING.has(node.edge) && node.children.length > 0 ? node.children.flatMap(piecesOf) : [piece(node)];

type Group = readonly [CauseNode, ...CauseNode[]];

/** The engine's words for many short pieces that it put together (causes/parts.ts). */
const SHORT = /^(\d+) pieces too short to follow/;

const shortPieces = ({ edge, label }: CauseNode): number | undefined => {
  const count = edge === 'limit' ? SHORT.exec(label)?.[1] : undefined;
  return count === undefined ? undefined : Number(count);
};

/** Short pieces say the same however many they are and whatever took most of them: their strip shows what it was. */
const saysTheSame = (a: CauseNode, b: CauseNode): boolean =>
  a.edge === b.edge &&
  a.thread?.id === b.thread?.id &&
  ((a.state === b.state && a.label === b.label) ||
    (shortPieces(a) !== undefined && shortPieces(b) !== undefined));

/** What a row of several nodes says: the first one's words, or of short pieces how many there are in all. */
function spokenFor(group: Group): CauseNode {
  const [first, ...others] = group;
  if (others.length === 0 || shortPieces(first) === undefined) return first;
  const count = group.reduce((sum, one) => sum + (shortPieces(one) ?? 0), 0);
  return { ...first, label: `${count} pieces too short to follow` };
}

/** Siblings in order of time; those that say the same join the first of them. */
export function fold(children: readonly CauseNode[]): readonly Group[] {
  const groups: [CauseNode, ...CauseNode[]][] = [];
  for (const child of children) {
    const group = groups.find(([first]) => saysTheSame(first, child));
    if (group === undefined) groups.push([child]);
    else group.push(child);
  }
  return groups;
}

/** All rows, parents before children. */
export function chainRows(root: CauseNode): readonly ChainRow[] {
  const rows: ChainRow[] = [];
  const whole = Math.max(1, root.durationNs);
  const add = (
    group: Group,
    key: string,
    parent: string | undefined,
    level: number,
    position: number,
    siblings: number,
  ): void => {
    const timeNs = group.reduce((sum, one) => sum + one.durationNs, 0);
    const children = fold(group.flatMap(one => one.children));
    rows.push({
      key,
      parent,
      level,
      node: spokenFor(group),
      span: {
        startNs: ns(Math.min(...group.map(one => one.startNs))),
        endNs: ns(Math.max(...group.map(one => one.startNs + one.durationNs))),
      },
      timeNs,
      share: timeNs / whole,
      pieces: group.flatMap(piecesOf),
      rows: group.flatMap(one => one.rows),
      hasChildren: children.length > 0,
      position,
      siblings,
    });
    children.forEach((child, index) => {
      add(child, `${key}.${index}`, key, level + 1, index + 1, children.length);
    });
  };
  add([root], '0', undefined, 1, 1, 1);
  return rows;
}

/** Below this share of the whole a step starts closed: it is there, but not in the way. */
const OPEN_FROM = 0.02;

export const openAtFirst = (rows: readonly ChainRow[]): ReadonlySet<string> =>
  new Set(rows.filter(row => row.hasChildren && row.share >= OPEN_FROM).map(row => row.key));

/** The rows whose every ancestor is open. */
export function visibleRows(rows: readonly ChainRow[], open: ReadonlySet<string>): readonly ChainRow[] {
  const seen = new Set<string>();
  return rows.filter(row => {
    const shown = row.parent === undefined || (seen.has(row.parent) && open.has(row.parent));
    if (shown) seen.add(row.key);
    return shown;
  });
}

const EDGE_NAMES: Readonly<Record<Edge, string | undefined>> = {
  slow_call: undefined,
  slow_gap: undefined,
  sum: undefined,
  window: undefined,
  nested_call: undefined,
  on_cpu: 'on the CPU',
  first_use: 'first use',
  runnable: 'wanted a CPU',
  behind: 'wanted a CPU',
  throttled: 'throttled',
  lock: 'lock',
  held_by: 'held by',
  hand_off: 'hand-off',
  waited_for: 'waited for',
  disk: 'disk',
  network: 'network',
  page_fault: 'page fault',
  gpu: 'GPU',
  asked_to_sleep: 'sleep',
  child: 'child',
  kernel_lock: 'kernel lock',
  interrupt: 'interrupt',
  limit: 'limit',
  unexplained: 'unexplained',
};

/** The little plate before a row's words; none on the root. */
export const edgeName = (edge: Edge): string | undefined => EDGE_NAMES[edge];

/** A step's own words: not again what its plate says, and with its thread where they do not name it. */
export function rowWords(row: ChainRow): string {
  const { label, thread, edge } = row.node;
  const plate = edgeName(edge);
  const own = plate !== undefined && label.startsWith(plate) ? label.slice(plate.length).trimStart() : label;
  const words = edge === 'slow_gap' && !/gap|before/.test(own) ? `before ${own}` : own;
  const names = row.level === 1 || edge === 'held_by' || edge === 'waited_for';
  return names && thread !== undefined && !label.includes(thread.name) ? `${words} on ${thread.name}` : words;
}

/** Room that the clock time at the left end of a strip's axis takes, and half of what a tick's label takes. */
const CLOCK_PX = 84;
const HALF_LABEL_PX = 34;

/** Whether the clock time at the left end of the axis fits on it. */
export const clockFits = (width: number): boolean => width >= CLOCK_PX;

/** Ticks of a strip's axis with room for their labels beside each other and beside the clock time; offsets from its start. */
export function stripTicks(lengthNs: number, width: number): readonly Tick[] {
  if (width < CLOCK_PX + 2 * HALF_LABEL_PX || lengthNs <= 0) return [];
  const { ticks } = axisOf({ startNs: ns(0), endNs: ns(lengthNs) }, width, 2 * HALF_LABEL_PX);
  const placed: Tick[] = [];
  let taken = CLOCK_PX;
  for (const tick of ticks) {
    const centre = (tick.atNs / lengthNs) * width;
    if (centre - HALF_LABEL_PX < taken || centre + HALF_LABEL_PX > width) continue;
    placed.push(tick);
    taken = centre + HALF_LABEL_PX;
  }
  return placed;
}
