// The rectangles at hand. One question at a time: while it is under way the last answer is drawn, and when it comes,
// what is wanted by then is asked next; so an answer is never older than the one drawn, and panning fast never queues
// a row of questions nobody waits for.

import type { SliceColumns, SlicesResult, TrackId } from '../../extension/trace/api.ts';
import type { Span } from '../../extension/trace/time.ts';
import { CallError, type Client } from '../base/client.ts';
import { type Request, wanted } from './bounds.ts';

interface Asked extends Request {
  readonly tracks: ReadonlySet<TrackId>;
}

export class SliceBuffer {
  readonly #client: Client;
  readonly #endNs: number;
  readonly #changed: () => void;
  readonly #failed: (message: string) => void;
  readonly #tracks = new Map<TrackId, SliceColumns>();
  #answer: SlicesResult = { tracks: [], palette: [], labels: [] };
  #have: Asked | undefined;
  #underWay = false;
  #next: { readonly visible: Span; readonly width: number; readonly tracks: readonly TrackId[] } | undefined;

  constructor(client: Client, endNs: number, changed: () => void, failed: (message: string) => void) {
    this.#client = client;
    this.#endNs = endNs;
    this.#changed = changed;
    this.#failed = failed;
  }

  get palette(): readonly string[] {
    return this.#answer.palette;
  }

  get labels(): readonly string[] {
    return this.#answer.labels;
  }

  /** True once what is drawn is the best there is for what is visible. */
  get settled(): boolean {
    return !this.#underWay && this.#have !== undefined;
  }

  columns(track: TrackId): SliceColumns | undefined {
    return this.#tracks.get(track);
  }

  want(visible: Span, width: number, tracks: readonly TrackId[]): void {
    this.#next = { visible, width, tracks };
    if (!this.#underWay) void this.#ask();
  }

  async #ask(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined || next.tracks.length === 0) return;
    const have = this.#have;
    const served = have !== undefined && next.tracks.every(track => have.tracks.has(track));
    const request = wanted(next.visible, next.width, served ? have : undefined, this.#endNs);
    if (request === undefined) return;
    this.#underWay = true;
    try {
      const answer = await this.#client.call('slices', { tracks: next.tracks, ...request });
      this.#answer = answer;
      this.#tracks.clear();
      for (const columns of answer.tracks) this.#tracks.set(columns.track, columns);
      this.#have = { ...request, tracks: new Set(next.tracks) };
    } catch (error) {
      // Asking the same again would fail the same; the next move asks anew.
      this.#next = undefined;
      if (!(error instanceof CallError && error.reason === 'cancelled')) {
        this.#failed(error instanceof Error ? error.message : String(error));
      }
    } finally {
      this.#underWay = false;
    }
    this.#changed();
    if (this.#next !== undefined) void this.#ask();
  }
}
