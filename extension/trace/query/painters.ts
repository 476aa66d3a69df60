// What a drawn event is called and coloured by, looked up for the few that are drawn, not for all there are.

import { REASONS } from '../columns/names.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { objectName } from './off-cpu.ts';
import type { Store } from './store.ts';

/** Words that pictures refer to by number: a colour's name, a label. */
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

/** Words of all tracks of a store. */
export const wordsOf = (store: Store): { palette: Words; labels: Words } =>
  store.keep('words', () => ({ palette: new Words(), labels: new Words() }));

interface Paint {
  /** Place in the palette. */
  readonly colour: number;
  /** Place in the labels. */
  readonly label: number;
}

/** Tells about rows of one kind of columns. */
export interface Painter {
  paint(row: number): Paint;
  /** cuda_call.id, off_cpu.id; of a CPU's slice the thread.id. */
  id(row: number): number;
  /** Nanoseconds at the end of it in which the thread was runnable. */
  runnableNs(row: number): number;
}

export const callPainter = (store: Store): Painter =>
  store.keep('call painter', () => {
    const { calls } = store.columns;
    const { palette, labels } = wordsOf(store);
    const paints = calls.functions.map(({ category, name }) => ({
      colour: palette.place(category),
      label: labels.place(name),
    }));
    return {
      paint: row => paints[calls.function[row] as number] as Paint,
      id: row => calls.id[row] as number,
      runnableNs: () => 0,
    };
  });

/** Colour of each reason, by its code. */
export const waitColours = (store: Store): Uint16Array =>
  store.keep('wait colours', () => {
    const { palette } = wordsOf(store);
    return Uint16Array.from(REASONS, reason => palette.place(reason));
  });

export const waitPainter = (store: Store): Painter =>
  store.keep('wait painter', () => {
    const { offCpu } = store.columns;
    const { labels } = wordsOf(store);
    const colours = waitColours(store);
    const objects = objectNames(store);
    return {
      paint: row => {
        const reason = reasonOf(offCpu, row);
        const object = objects.get(offCpu.objectIds[offCpu.object[row] as number] ?? -1);
        const what = object ?? store.names.get(offCpu.syscall[row] as number);
        const label = labels.place(what === undefined ? reason : `${reason}: ${what}`);
        return { colour: colours[offCpu.reason[row] as number] as number, label };
      },
      id: row => offCpu.id[row] as number,
      runnableNs: row => (offCpu.endNs[row] as number) - (offCpu.wokenNs[row] as number),
    };
  });

export const sliceOwner = (store: Store): Painter =>
  store.keep('slice painter', () => {
    const { slices, threads } = store.columns;
    const { palette, labels } = wordsOf(store);
    const colour = palette.place('thread');
    const unknown = { colour, label: labels.place('?') };
    const paints = threads.refs.map(({ name, process }) => ({
      colour,
      label: labels.place(name === process ? name : `${process}: ${name}`),
    }));
    return {
      paint: row => paints[slices.thread[row] as number] ?? unknown,
      id: row => threads.refs[slices.thread[row] as number]?.id ?? -1,
      runnableNs: () => 0,
    };
  });

function objectNames(store: Store): ReadonlyMap<number, string> {
  const rows = store.db.prepare('SELECT id, kind, name, address FROM wait_object').all();
  return new Map(
    rows.map(row => {
      const address = typeof row['address'] === 'number' ? row['address'] : undefined;
      return [Number(row['id']), objectName(row['kind'], row['name'], address) ?? '?'];
    }),
  );
}
