// The list of traces that the editor knows, in a file that the MCP server reads: {"version":1,"traces":[path, ...]},
// newest first. Written whole under another name, then renamed: a reader never sees half a list.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** More than anyone looks through; the files themselves stay. */
const KEEP = 200;

export class TraceRegistry {
  readonly file: string;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(file: string) {
    this.file = file;
  }

  async list(): Promise<readonly string[]> {
    const text = await readFile(this.file, 'utf8').catch(() => '');
    try {
      const { version, traces }: { version?: unknown; traces?: unknown } = JSON.parse(text);
      return version === 1 && Array.isArray(traces) ? traces.filter(path => typeof path === 'string') : [];
    } catch {
      return [];
    }
  }

  /** Puts a trace at the head of the list. */
  add(path: string): Promise<void> {
    return this.#change(traces => [path, ...traces.filter(other => other !== path)].slice(0, KEEP));
  }

  remove(path: string): Promise<void> {
    return this.#change(traces => traces.filter(other => other !== path));
  }

  /** One change after the other: each reads what the one before wrote. */
  #change(edit: (traces: readonly string[]) => readonly string[]): Promise<void> {
    const change = this.#turn.then(async () => {
      const before = await this.list();
      const after = edit(before);
      if (after.length === before.length && after.every((path, i) => path === before[i])) return;
      await mkdir(dirname(this.file), { recursive: true });
      const temporary = `${this.file}.${process.pid}`;
      await writeFile(temporary, `${JSON.stringify({ version: 1, traces: after }, undefined, 2)}\n`);
      await rename(temporary, this.file);
    });
    this.#turn = change.catch(() => undefined);
    return change;
  }
}
