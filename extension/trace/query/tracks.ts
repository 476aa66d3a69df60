// The rows of the timeline: for each thread its CUDA calls and its off-CPU intervals, for each CPU who ran on it.
// A track is built when it is first asked for, and kept.

import type { Track, TrackId } from '../api.ts';
import { TraceError } from '../error.ts';
import { ns, type Span } from '../time.ts';
import { depths } from './depths.ts';
import { Mipmap } from './mipmap.ts';
import { objectName } from './off-cpu.ts';
import type { Store } from './store.ts';

/** Words that tracks refer to by number: a colour's name, a label. */
export class Words {
  readonly list: string[] = [];
  readonly #places = new Map<string, number>();

  place(word: string): number {
    const known = this.#places.get(word);
    if (known !== undefined) return known;
    const place = this.list.push(word) - 1;
    this.#places.set(word, place);
    return place;
  }
}

/** One nesting level of a track: events without overlap, and their thinning. */
export interface Level {
  readonly depth: number;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly runnableNs: Float64Array | undefined;
  readonly id: Float64Array;
  readonly colour: Uint16Array;
  readonly label: Uint32Array;
  readonly mipmap: Mipmap;
}

export interface BuiltTrack {
  readonly id: TrackId;
  readonly levels: readonly Level[];
}

/** Every track that has events: target processes first, then other threads, then CPUs. */
export function tracks(store: Store): readonly Track[] {
  return store.keep('tracks', () => {
    const { calls, offCpu } = store;
    const made = rowsByThread(store, 'calls');
    const waited = rowsByThread(store, 'offCpu');
    const list: Track[] = [];
    const threads = [...store.threads.values()].sort(
      (a, b) => Number(b.isTarget) - Number(a.isTarget) || a.processId - b.processId || a.ref.id - b.ref.id,
    );
    for (const { ref } of threads) {
      const rows = made.get(ref.id);
      if (rows !== undefined) {
        const deepest = depths(rows, calls.startNs, calls.durationNs).reduce(
          (most, depth) => Math.max(most, depth),
          0,
        );
        list.push({
          id: `cuda:${ref.id}`,
          kind: 'cuda',
          thread: ref,
          cpu: undefined,
          events: rows.length,
          depth: deepest + 1,
          observed: observed(store, calls, rows),
        });
      }
      const waits = waited.get(ref.id);
      if (waits !== undefined && offCpu.count > 0) {
        list.push({
          id: `off_cpu:${ref.id}`,
          kind: 'off_cpu',
          thread: ref,
          cpu: undefined,
          events: waits.length,
          depth: 1,
          observed: observed(store, offCpu, waits),
        });
      }
    }
    for (const [cpu, slices] of store.slices) {
      const rows = Int32Array.of(0, slices.count - 1);
      list.push({
        id: `cpu:${cpu}`,
        kind: 'cpu',
        thread: undefined,
        cpu,
        events: slices.count,
        depth: 1,
        observed: observed(store, slices, rows),
      });
    }
    return list;
  });
}

/** From the first of these rows to the end of the last; one without an end reaches to that of the capture. */
function observed(
  store: Store,
  columns: { readonly startNs: Float64Array; readonly durationNs: Float64Array },
  rows: Int32Array,
): Span {
  const first = rows[0] ?? 0;
  const last = rows.at(-1) ?? 0;
  const start = columns.startNs[last] ?? 0;
  const duration = columns.durationNs[last] ?? -1;
  return {
    startNs: ns(columns.startNs[first] ?? 0),
    endNs: ns(duration < 0 ? Math.max(store.durationNs, start) : start + duration),
  };
}

/** Words of all tracks of a store. */
export const wordsOf = (store: Store): { palette: Words; labels: Words } =>
  store.keep('words', () => ({ palette: new Words(), labels: new Words() }));

export function track(store: Store, id: TrackId): BuiltTrack {
  return store.keep(`track ${id}`, () => {
    const [, kind, number] = /^(cuda|off_cpu|cpu):(\d+)$/.exec(id) ?? [];
    const key = Number(number);
    const rows =
      kind === 'cuda'
        ? rowsByThread(store, 'calls').get(key)
        : kind === 'off_cpu'
          ? rowsByThread(store, 'offCpu').get(key)
          : undefined;
    if (kind === 'cuda' && rows !== undefined) return { id, levels: cudaLevels(store, rows) };
    if (kind === 'off_cpu' && rows !== undefined) return { id, levels: [offCpuLevel(store, rows)] };
    if (kind === 'cpu' && store.slices.has(key)) return { id, levels: [cpuLevel(store, key)] };
    throw new TraceError('not_in_trace', `This trace has no track "${id}".`, 'Ask `tracks` which there are.');
  });
}

function cudaLevels(store: Store, rows: Int32Array): Level[] {
  const { calls } = store;
  const { palette, labels } = wordsOf(store);
  const words = new Map(
    [...store.functions].map(([id, fn]) => [
      id,
      { colour: palette.place(fn.category), label: labels.place(fn.name) },
    ]),
  );
  const unknown = { colour: palette.place('other'), label: labels.place('?') };
  return rowsByDepth(rows, depths(rows, calls.startNs, calls.durationNs)).map((list, depth) =>
    makeLevel(store, depth, list, calls, row => words.get(calls.function[row] ?? -1) ?? unknown),
  );
}

/** Rows of each depth, in order; no depth is skipped, for whatever lies deeper lies inside something. */
function rowsByDepth(rows: Int32Array, depth: Uint8Array): Int32Array[] {
  const counts: number[] = [];
  for (let i = 0; i < depth.length; i++) counts[depth[i] ?? 0] = (counts[depth[i] ?? 0] ?? 0) + 1;
  const lists = counts.map(count => new Int32Array(count));
  const next = counts.map(() => 0);
  for (let i = 0; i < rows.length; i++) {
    const level = depth[i] ?? 0;
    const list = lists[level];
    const place = next[level] ?? 0;
    if (list !== undefined) list[place] = rows[i] ?? 0;
    next[level] = place + 1;
  }
  return lists;
}

function offCpuLevel(store: Store, rows: Int32Array): Level {
  const { offCpu } = store;
  const { palette, labels } = wordsOf(store);
  const objects = objectNames(store);
  const level = makeLevel(store, 0, rows, offCpu, row => {
    const reason = store.names.get(offCpu.reason[row] ?? -1) ?? 'other';
    const what = objects.get(offCpu.object[row] ?? -1) ?? store.names.get(offCpu.syscall[row] ?? -1);
    return {
      colour: palette.place(reason),
      label: labels.place(what === undefined ? reason : `${reason}: ${what}`),
    };
  });
  const runnableNs = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) runnableNs[i] = Math.max(0, offCpu.runnableNs[rows[i] ?? -1] ?? 0);
  return { ...level, runnableNs };
}

function cpuLevel(store: Store, cpu: number): Level {
  const slices = store.slices.get(cpu);
  if (slices === undefined) throw new RangeError(`no CPU ${cpu}`);
  const { palette, labels } = wordsOf(store);
  const colour = palette.place('thread');
  const words = new Map(
    [...store.threads].map(([id, { ref }]) => {
      const label = ref.name === ref.process ? ref.name : `${ref.process}: ${ref.name}`;
      return [id, { colour, label: labels.place(label) }];
    }),
  );
  const unknown = { colour, label: labels.place('?') };
  const rows = new Int32Array(slices.count);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  return makeLevel(
    store,
    0,
    rows,
    { ...slices, id: slices.thread },
    row => words.get(slices.thread[row] ?? -1) ?? unknown,
  );
}

interface Source {
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  readonly id: Float64Array | Int32Array;
}

/** Plain loops: TypedArray.from with a function takes ten times as long, and a million rows pass through here. */
function makeLevel(
  store: Store,
  depth: number,
  rows: Int32Array,
  from: Source,
  words: (row: number) => { readonly colour: number; readonly label: number },
): Level {
  const { durationNs: captureEnd } = store;
  const startNs = new Float64Array(rows.length);
  const endNs = new Float64Array(rows.length);
  const id = new Float64Array(rows.length);
  const colour = new Uint16Array(rows.length);
  const label = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const start = from.startNs[row] ?? 0;
    const duration = from.durationNs[row] ?? -1;
    startNs[i] = start;
    endNs[i] = duration < 0 ? Math.max(captureEnd, start) : start + duration;
    id[i] = from.id[row] ?? 0;
    const said = words(row);
    colour[i] = said.colour;
    label[i] = said.label;
  }
  const mipmap = new Mipmap(startNs, endNs);
  return { depth, startNs, endNs, runnableNs: undefined, id, colour, label, mipmap };
}

/** Rows of each thread, in order. */
function rowsByThread(store: Store, which: 'calls' | 'offCpu'): ReadonlyMap<number, Int32Array> {
  return store.keep(`rows of ${which}`, () => {
    const { thread } = store[which];
    const counts = new Map<number, number>();
    for (const id of thread) counts.set(id, (counts.get(id) ?? 0) + 1);
    const places = new Map([...counts].map(([id, count]) => [id, { rows: new Int32Array(count), next: 0 }]));
    for (let row = 0; row < thread.length; row++) {
      const place = places.get(thread[row] ?? -1);
      if (place !== undefined) place.rows[place.next++] = row;
    }
    return new Map([...places].map(([id, { rows }]) => [id, rows]));
  });
}

function objectNames(store: Store): ReadonlyMap<number, string> {
  return store.keep('object names', () => {
    const rows = store.db.prepare('SELECT id, kind, name, address FROM wait_object').all();
    return new Map(
      rows.map(row => [
        Number(row['id']),
        objectName(
          row['kind'],
          row['name'],
          typeof row['address'] === 'number' ? row['address'] : undefined,
        ) ?? '?',
      ]),
    );
  });
}
