// activate(): wires the rooms together, and nothing else. What is heavy (SSH, the capture) is loaded by its command.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { CaptureServices } from './capture/command.ts';
import { TraceRegistry } from './capture/registry.ts';
import { TracesView } from './capture/traces-view.ts';
import { parseLink } from './chat/link.ts';
import { registerMcpServer } from './chat/mcp.ts';
import { registerTraceEditor, type TraceEditor, VIEW_TYPE } from './editor/index.ts';

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('Wakechain', { log: true });
  const storage = context.globalStorageUri.fsPath;
  const registry = new TraceRegistry(join(storage, 'traces.json'));
  const view = new TracesView(registry);
  const captureDirectory = (): string => captureFolder(storage);
  const editor = registerTraceEditor(context, { queryProgram: context.asAbsolutePath('dist/query.js'), log });
  const services: CaptureServices = {
    context,
    log,
    registry,
    captureDirectory,
    open: async file => {
      await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), VIEW_TYPE);
      view.refresh();
    },
  };
  const command = (id: string, run: (argument: unknown) => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(id, run);

  context.subscriptions.push(
    log,
    command('wakechain.capture', async given =>
      (await import('./capture/command.ts')).captureCommand(services, given),
    ),
    command('wakechain.check', async given =>
      (await import('./capture/command.ts')).checkCommand(services, given),
    ),
    command('wakechain.stop', async () => (await import('./capture/command.ts')).stopCapture()),
    command('wakechain.open', given => openTraceFile(services, given)),
    vscode.window.registerTreeDataProvider('wakechain.traces', view),
    vscode.window.tabGroups.onDidChangeTabs(({ opened }) => {
      for (const tab of opened) void remember(tab, registry).then(() => view.refresh());
    }),
    vscode.window.registerUriHandler({ handleUri: uri => followLink(uri, editor, registry) }),
  );
  mkdirSync(captureDirectory(), { recursive: true, mode: 0o700 });
  registerMcpServer(context, {
    program: context.asAbsolutePath('dist/mcp.js'),
    version: String(context.extension.packageJSON.version),
    traces: captureDirectory,
    registry: registry.file,
  });
  for (const tab of vscode.window.tabGroups.all.flatMap(group => group.tabs)) void remember(tab, registry);
}

function captureFolder(storage: string): string {
  const chosen = vscode.workspace.getConfiguration('wakechain').get<string>('captureDirectory', '');
  return chosen === '' ? join(storage, 'traces') : chosen;
}

/** A trace that is opened becomes known to the view and to agents. */
async function remember(tab: vscode.Tab, registry: TraceRegistry): Promise<void> {
  const { input } = tab;
  if (input instanceof vscode.TabInputCustom && input.viewType === VIEW_TYPE && input.uri.scheme === 'file')
    await registry.add(input.uri.fsPath);
}

async function openTraceFile(services: CaptureServices, given: unknown): Promise<void> {
  if (given instanceof vscode.Uri) return services.open(given.fsPath);
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title: 'Open GPU Trace',
      filters: { 'GPU traces': ['wakechain.db', 'db'], 'All files': ['*'] },
      defaultUri: vscode.Uri.file(services.captureDirectory()),
    })) ?? [];
  if (chosen) await services.open(chosen.fsPath);
}

async function followLink(uri: vscode.Uri, editor: TraceEditor, registry: TraceRegistry): Promise<void> {
  const parsed = parseLink(uri.path, uri.query);
  if (parsed.kind === 'bad') {
    void vscode.window.showErrorMessage(`Wakechain: ${parsed.message}`);
    return;
  }
  const { trace, tab, selection } = parsed.link;
  if (!(await registry.list()).includes(trace)) {
    const answer = await vscode.window.showWarningMessage(
      'A link wants to open a trace that was not opened here before.',
      { modal: true, detail: trace },
      'Open',
    );
    if (answer !== 'Open') return;
  }
  await editor.reveal(trace, { tab, selection });
}
