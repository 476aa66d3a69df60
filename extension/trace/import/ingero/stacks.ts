// Stacks: a JSON list of frames, innermost first, Python's before the native ones. Written as the call tree of
// schema.sql, each path once. Where no symbol was found the frame keeps its address.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Target } from '../target.ts';
import { count, json, text } from './cells.ts';
import { type Format, selected } from './format.ts';

/** Deeper ones are cut at the outer end. */
const DEEPEST = 512;

export class Stacks {
  readonly #target: Target;
  readonly #find: StatementSync | undefined;
  readonly #byHash = new Map<bigint, number | null>();
  readonly #frames = new Map<string, number>();
  readonly #modules = new Map<string, number>();
  readonly #nodes = new Map<string, number>();

  constructor(target: Target, db: DatabaseSync, format: Format) {
    this.#target = target;
    if (format.tables.get('stack_traces')?.has('hash') !== true) return;
    this.#find = db.prepare(
      `SELECT ${selected(format, 'stack_traces', ['frames', 'ips'])} FROM stack_traces WHERE hash = ?`,
    );
  }

  /** stack.id for a row's stack_hash; null where it has none that can be read. */
  of(hash: unknown): number | null {
    if (typeof hash !== 'bigint' || hash === 0n || this.#find === undefined) return null;
    let id = this.#byHash.get(hash);
    if (id === undefined) {
      id = this.#write(framesOf(this.#find.get(hash)));
      this.#byHash.set(hash, id);
    }
    return id;
  }

  /** Outermost first; the id of the innermost. */
  #write(frames: readonly Frame[]): number | null {
    let parent: number | null = null;
    let depth = 0;
    for (const frame of frames.slice(0, DEEPEST).toReversed()) {
      const frameId = this.#frame(frame);
      const key = `${parent ?? 0} ${frameId}`;
      let id = this.#nodes.get(key);
      if (id === undefined) {
        id = this.#nodes.size + 1;
        this.#nodes.set(key, id);
        this.#target.add('stack', [id, parent, frameId, depth]);
      }
      parent = id;
      depth += 1;
    }
    return parent;
  }

  #frame({ kind, name, module, file, line }: Frame): number {
    const key = JSON.stringify([kind, name, module, file, line]);
    let id = this.#frames.get(key);
    if (id === undefined) {
      id = this.#frames.size + 1;
      this.#frames.set(key, id);
      const moduleId = module === undefined ? null : this.#module(module);
      this.#target.add('frame', [id, kind, name, moduleId, null, file ?? null, line ?? null, 0]);
    }
    return id;
  }

  #module(path: string): number {
    let id = this.#modules.get(path);
    if (id === undefined) {
      id = this.#modules.size + 1;
      this.#modules.set(path, id);
      this.#target.add('module', [id, path]);
    }
    return id;
  }
}

interface Frame {
  readonly kind: 'native' | 'python';
  readonly name: string;
  readonly module: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** i: address, s: symbol+offset, f: module, l: line; pf, pfn, pl: Python's file, function, line. */
function framesOf(row: Record<string, unknown> | undefined): readonly Frame[] {
  const resolved = json(row?.['frames']);
  if (Array.isArray(resolved) && resolved.length > 0) return resolved.map(frameOf);
  const addresses = json(row?.['ips']);
  if (!Array.isArray(addresses)) return [];
  return addresses.map(address => frameOf({ i: address }));
}

function frameOf(value: unknown): Frame {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const python = text(given['pfn']);
  if (python !== undefined) {
    const [file, line] = [text(given['pf']), count(given['pl'])];
    return { kind: 'python', name: python, module: undefined, file, line };
  }
  const module = text(given['f']);
  const symbol = text(given['s'])?.replace(/\+0x[0-9a-f]+$/i, '');
  const name = symbol ?? `[${module ?? 'unknown'}${addressOf(given['i'])}]`;
  return { kind: 'native', name, module, file: undefined, line: count(given['l']) };
}

function addressOf(value: unknown): string {
  const address = text(value);
  return address === undefined ? '' : ` ${/^0x/.test(address) ? address : `0x${address}`}`;
}
