// Stacks of the file: frames by stack id. A stack is its leaf's path to the root (schema.sql).

import type { StackFrame } from '../api.ts';
import type { Store } from './store.ts';
import { visible } from './visible.ts';

/** No unwinder goes deeper; a file whose stacks run in a circle ends here. */
const DEEPEST = 512;

/** Frames of a stack, innermost first; empty for an id that is not in the file. */
export function framesOf(store: Store, stackId: number): readonly StackFrame[] {
  const { nodes, frames } = stackTable(store);
  const path: StackFrame[] = [];
  let id: number | undefined = stackId;
  while (id !== undefined && path.length < DEEPEST) {
    const node: StackNode | undefined = nodes.get(id);
    if (node === undefined) break;
    const frame = frames.get(node.frameId);
    if (frame !== undefined) path.push(frame);
    id = node.parentId;
  }
  return path;
}

interface StackNode {
  readonly parentId: number | undefined;
  readonly frameId: number;
}

function stackTable(store: Store): {
  readonly nodes: ReadonlyMap<number, StackNode>;
  readonly frames: ReadonlyMap<number, StackFrame>;
} {
  return store.keep('stacks', () => {
    const frames = store.db
      .prepare(
        `SELECT f.id, f.kind, f.function, f.file, f.line, m.path FROM frame f LEFT JOIN module m ON m.id = f.module_id`,
      )
      .all();
    const text = (value: unknown) => (typeof value === 'string' ? visible(value) : undefined);
    return {
      nodes: new Map(
        store.db
          .prepare('SELECT id, parent_id, frame_id FROM stack')
          .all()
          .map(row => [
            Number(row['id']),
            {
              parentId: row['parent_id'] === null ? undefined : Number(row['parent_id']),
              frameId: Number(row['frame_id']),
            },
          ]),
      ),
      frames: new Map(
        frames.map(row => [
          Number(row['id']),
          {
            kind: String(row['kind']),
            function: text(row['function']) ?? '?',
            module: text(row['path']),
            file: text(row['file']),
            line: typeof row['line'] === 'number' ? row['line'] : undefined,
          },
        ]),
      ),
    };
  });
}
