// Between rectangles of the picture and rows of the database. Pure.

import type { RowRef, Track } from '../../extension/trace/api.ts';
import type { Slice } from './hit.ts';

const KIND_OF: ReadonlyMap<RowRef['table'], Track['kind']> = new Map([
  ['cuda_call', 'cuda'],
  ['off_cpu', 'off_cpu'],
  ['cpu_slice', 'cpu'],
]);

/** The row that a rectangle draws. A slice's `id` is its thread: its own key is the CPU and the start. */
export function refOf(track: Track, slice: Slice): RowRef {
  switch (track.kind) {
    case 'cuda':
      return { table: 'cuda_call', id: slice.id };
    case 'off_cpu':
      return { table: 'off_cpu', id: slice.id };
    case 'cpu':
      return { table: 'cpu_slice', cpu: track.cpu ?? 0, startNs: slice.span.startNs };
  }
}

/** The track that a row lies on; where no row says so, the thread's first. */
export function trackOf(
  tracks: readonly Track[],
  row: RowRef | undefined,
  thread: number | undefined,
): Track | undefined {
  const kind = row === undefined ? undefined : KIND_OF.get(row.table);
  const own = tracks.find(track =>
    row?.table === 'cpu_slice' ? track.cpu === row.cpu : track.kind === kind && track.thread?.id === thread,
  );
  return own ?? tracks.find(track => thread !== undefined && track.thread?.id === thread);
}
