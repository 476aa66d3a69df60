// Who is in the trace: threads by a dense index (their place in these columns), so that every other column can name a
// thread in four bytes.

import type { DatabaseSync } from 'node:sqlite';
import type { ThreadRef } from '../api.ts';
import { type Defects, eachRow, integer, text } from './read.ts';
import { clean } from './text.ts';

export interface Process {
  readonly id: number;
  readonly pid: number;
  readonly namespacePid: number | undefined;
  readonly name: string;
  readonly cgroup: string | undefined;
  /** It was seen to start, so its first calls are its first. */
  readonly born: boolean;
}

export interface Threads {
  readonly count: number;
  /** thread.id -> index. */
  readonly byId: ReadonlyMap<number, number>;
  /** The same, -1 for an id that is not in the file: asked for every row. */
  indexOf(id: number): number;
  readonly refs: readonly ThreadRef[];
  readonly processes: readonly Process[];
  /** Life of each thread where it was seen to begin or end; else 0 and Infinity. */
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
}

const unknownProcess: Process = {
  id: -1,
  pid: -1,
  namespacePid: undefined,
  name: '?',
  cgroup: undefined,
  born: false,
};

export function loadThreads(db: DatabaseSync, defects: Defects): Threads {
  const processes = new Map<number, Process>();
  eachRow(db, 'SELECT id, pid, namespace_pid, name, cgroup, start_ns FROM process ORDER BY id', cells => {
    const id = integer(cells[0]);
    const pid = integer(cells[1]);
    if (id === undefined || pid === undefined) {
      defects.add('processes without a usable id');
      return;
    }
    const cgroup = text(cells[4]);
    processes.set(id, {
      id,
      pid,
      namespacePid: integer(cells[2]),
      name: clean(text(cells[3]) ?? '?'),
      cgroup: cgroup === undefined ? undefined : clean(cgroup),
      born: integer(cells[5]) !== undefined,
    });
  });

  const byId = new Map<number, number>();
  const refs: ThreadRef[] = [];
  const owners: Process[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  eachRow(db, 'SELECT id, process_id, tid, name, start_ns, end_ns FROM thread ORDER BY id', cells => {
    const id = integer(cells[0]);
    const tid = integer(cells[2]);
    if (id === undefined || tid === undefined) {
      defects.add('threads without a usable id');
      return;
    }
    const process = processes.get(integer(cells[1]) ?? -1);
    if (process === undefined) defects.add('threads whose process is not in the file');
    const owner = process ?? unknownProcess;
    byId.set(id, refs.length);
    owners.push(owner);
    refs.push({ id, tid, pid: owner.pid, name: clean(text(cells[3]) ?? '?'), process: owner.name });
    starts.push(Math.max(0, integer(cells[4]) ?? 0));
    ends.push(integer(cells[5]) ?? Number.POSITIVE_INFINITY);
  });
  return {
    count: refs.length,
    byId,
    indexOf: indexOf(byId),
    refs,
    processes: owners,
    startNs: Float64Array.from(starts),
    endNs: Float64Array.from(ends),
  };
}

/** Ids are small and dense in every file of the collector; then an array answers. */
function indexOf(byId: ReadonlyMap<number, number>): (id: number) => number {
  let most = 0;
  for (const id of byId.keys()) most = Math.max(most, id);
  if (most > 4 * byId.size + 1024) return id => byId.get(id) ?? -1;
  const table = new Int32Array(most + 1).fill(-1);
  for (const [id, index] of byId) if (id >= 0) table[id] = index;
  return id => (id >= 0 && id <= most ? (table[id] as number) : id < 0 ? (byId.get(id) ?? -1) : -1);
}
