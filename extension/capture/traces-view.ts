// The tree view **GPU traces**: hosts with their captures, newest first, and traces that came from elsewhere.

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { parseTraceName } from './names.ts';
import type { TraceRegistry } from './registry.ts';

interface Group {
  readonly kind: 'group';
  /** Undefined: traces whose name does not tell the host. */
  readonly host: string | undefined;
  readonly traces: readonly TraceNode[];
}

interface TraceNode {
  readonly kind: 'trace';
  readonly file: string;
  readonly bytes: number;
  readonly time: Date;
}

type Node = Group | TraceNode;

export class TracesView implements vscode.TreeDataProvider<Node> {
  readonly #registry: TraceRegistry;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(registry: TraceRegistry) {
    this.#registry = registry;
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (node?.kind === 'trace') return [];
    return node ? [...node.traces] : this.#groups();
  }

  async #groups(): Promise<Group[]> {
    const byHost = new Map<string | undefined, TraceNode[]>();
    for (const file of await this.#registry.list()) {
      const found = await stat(file).catch(() => undefined);
      if (!found) continue;
      const named = parseTraceName(basename(file));
      const node: TraceNode = { kind: 'trace', file, bytes: found.size, time: named?.time ?? found.mtime };
      byHost.set(named?.host, [...(byHost.get(named?.host) ?? []), node]);
    }
    return [...byHost]
      .map(([host, traces]): Group => {
        const newestFirst = traces.toSorted((a, b) => b.time.getTime() - a.time.getTime());
        return { kind: 'group', host, traces: newestFirst };
      })
      .toSorted((a, b) => Number(a.host === undefined) - Number(b.host === undefined));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === 'group') {
      const item = new vscode.TreeItem(node.host ?? 'Opened', vscode.TreeItemCollapsibleState.Expanded);
      item.iconPath = new vscode.ThemeIcon(node.host === undefined ? 'folder' : 'server');
      item.contextValue = 'host';
      return item;
    }
    const uri = vscode.Uri.file(node.file);
    const label =
      parseTraceName(basename(node.file)) === undefined ? basename(node.file) : node.time.toLocaleString();
    const item = new vscode.TreeItem(label);
    item.description = `${(node.bytes / 1e6).toFixed(1)} MB`;
    item.tooltip = node.file;
    item.iconPath = new vscode.ThemeIcon('pulse');
    item.contextValue = 'trace';
    item.command = { command: 'wakechain.open', title: 'Open', arguments: [uri] };
    return item;
  }
}
