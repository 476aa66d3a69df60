// Which rows the timeline has, and where: processes and their threads (CUDA calls above, state below), then the CPUs,
// then everything else on the host, closed at first. Pure.

import type { ThreadInfo, TraceSummary, Track, TrackId } from '../../extension/trace/api.ts';
import { formatCount } from '../base/format.ts';

export const CALL_HEIGHT = 17;
const STATE_HEIGHT = 13;
const CPU_HEIGHT = 14;
const HEADER_HEIGHT = 24;
/** Air above a thread's first row, and below each row. */
const THREAD_GAP = 6;
const GAP = 3;

interface Placed {
  readonly y: number;
  readonly height: number;
}

interface HeaderRow extends Placed {
  readonly kind: 'header';
  readonly group: string;
  readonly label: string;
  readonly note: string;
  readonly open: boolean;
}

export interface TrackRow extends Placed {
  readonly kind: 'track';
  readonly group: string;
  readonly track: Track;
  /** The thread's or CPU's name, on its first row only. */
  readonly label: string;
  readonly note: string;
}

export type Row = HeaderRow | TrackRow;

interface Group {
  readonly key: string;
  readonly label: string;
  readonly note: string;
  readonly tracks: readonly Track[];
  readonly openAtFirst: boolean;
}

export const OTHERS = 'others';
export const CPUS = 'cpus';

export function groupsOf(tracks: readonly Track[], summary: TraceSummary): readonly Group[] {
  const threads = new Map(summary.threads.map(thread => [thread.id, thread]));
  const isTarget = (thread: ThreadInfo | undefined): boolean =>
    thread !== undefined && (thread.isTarget || thread.cudaCalls > 0);
  const byProcess = new Map<number, Track[]>();
  const others: Track[] = [];
  for (const track of tracks) {
    if (track.kind === 'cpu') continue;
    const thread = track.thread === undefined ? undefined : threads.get(track.thread.id);
    if (thread === undefined || !isTarget(thread)) others.push(track);
    else byProcess.set(thread.processId, [...(byProcess.get(thread.processId) ?? []), track]);
  }
  const rank = (track: Track): number => {
    const thread = track.thread === undefined ? undefined : threads.get(track.thread.id);
    return (thread?.cudaCalls ?? 0) * 1e6 + (thread?.offCpuEvents ?? 0);
  };
  const sorted = (list: readonly Track[]): readonly Track[] =>
    [...list].sort(
      (a, b) =>
        rank(b) - rank(a) ||
        (a.thread?.id ?? 0) - (b.thread?.id ?? 0) ||
        Number(a.kind === 'off_cpu') - Number(b.kind === 'off_cpu'),
    );
  const groups: Group[] = summary.processes
    .filter(process => byProcess.has(process.id))
    .map(process => ({
      key: `process:${process.id}`,
      label: process.name,
      note: String(process.pid),
      tracks: sorted(byProcess.get(process.id) ?? []),
      openAtFirst: true,
    }));
  const cpus = tracks.filter(track => track.kind === 'cpu').sort((a, b) => (a.cpu ?? 0) - (b.cpu ?? 0));
  if (cpus.length > 0) groups.push({ key: CPUS, label: 'CPUs', note: '', tracks: cpus, openAtFirst: true });
  if (others.length > 0) {
    const count = new Set(others.map(track => track.thread?.id)).size;
    groups.push({
      key: OTHERS,
      label: 'Rest of the host',
      note: `${formatCount(count)} threads`,
      tracks: sorted(others),
      openAtFirst: false,
    });
  }
  return groups;
}

const heightOf = (track: Track): number =>
  track.kind === 'cuda'
    ? Math.max(1, track.depth) * (CALL_HEIGHT + 1)
    : track.kind === 'cpu'
      ? CPU_HEIGHT
      : STATE_HEIGHT;

/** `toggled`: the groups that a person opened or closed against their first state. */
export function placeRows(
  groups: readonly Group[],
  toggled: ReadonlySet<string>,
): { readonly rows: readonly Row[]; readonly height: number } {
  const rows: Row[] = [];
  let y = 0;
  for (const group of groups) {
    const open = group.openAtFirst !== toggled.has(group.key);
    rows.push({
      kind: 'header',
      group: group.key,
      label: group.label,
      note: group.note,
      open,
      y,
      height: HEADER_HEIGHT,
    });
    y += HEADER_HEIGHT;
    if (!open) continue;
    let before: number | undefined;
    for (const track of group.tracks) {
      const first = track.kind === 'cpu' || track.thread?.id !== before;
      before = track.thread?.id;
      y += first && track.kind !== 'cpu' ? THREAD_GAP : GAP;
      const height = heightOf(track);
      rows.push({
        kind: 'track',
        group: group.key,
        track,
        y,
        height,
        label: first ? nameOf(track, group.key === OTHERS) : '',
        note: track.kind === 'cuda' ? 'CUDA' : track.kind === 'off_cpu' ? 'state' : '',
      });
      y += height;
    }
    y += THREAD_GAP;
  }
  return { rows, height: y };
}

const nameOf = (track: Track, withProcess: boolean): string => {
  if (track.kind === 'cpu') return `CPU ${track.cpu}`;
  const { thread } = track;
  if (thread === undefined) return track.id;
  return withProcess && thread.process !== thread.name ? `${thread.name} · ${thread.process}` : thread.name;
};

/** The tracks that a scrolled window of rows shows, with one window of margin above and below. */
export function tracksIn(rows: readonly Row[], top: number, height: number): readonly TrackId[] {
  return rows
    .filter((row): row is TrackRow => row.kind === 'track')
    .filter(row => row.y + row.height > top - height && row.y < top + 2 * height)
    .map(row => row.track.id);
}

export const rowAt = (rows: readonly Row[], y: number): Row | undefined =>
  rows.find(row => y >= row.y && y < row.y + row.height + GAP);
