// activate(): wires the rooms together, and nothing else. What is heavy (SSH, the capture) is loaded by its command.

import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { chosenFolder, type Folder, readyFolder } from './capture/folder.ts';
import { LOG_CHANNEL } from './capture/notice.ts';
import { TraceRegistry } from './capture/registry.ts';
import type { CaptureServices } from './capture/services.ts';
import { TracesView } from './capture/traces-view.ts';
import { parseLink } from './chat/link.ts';
import { registerMcpServer } from './chat/mcp.ts';
import type { ImportServices } from './editor/import.ts';
import { registerTraceEditor, type TraceEditor, VIEW_TYPE } from './editor/index.ts';

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel(LOG_CHANNEL, { log: true });
  const storage = context.globalStorageUri.fsPath;
  const registry = new TraceRegistry(join(storage, 'traces.json'));
  const view = new TracesView(registry);
  const captureDirectory = (): Folder => captureFolder(storage);
  const queryProgram = context.asAbsolutePath('dist/query.js');
  const open = async (file: string): Promise<void> => {
    await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), VIEW_TYPE);
    view.refresh();
  };
  const imports: ImportServices = {
    queryProgram,
    log,
    folder: () => readyFolder(captureDirectory()),
    open,
  };
  const editor = registerTraceEditor(context, {
    queryProgram,
    log,
    import: async file => (await import('./editor/import.ts')).importFile(imports, file),
  });
  const services: CaptureServices = {
    context,
    log,
    registry,
    captureDirectory,
    open,
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
    command('wakechain.fetch', async given =>
      (await import('./capture/command.ts')).fetchCommand(services, given),
    ),
    command('wakechain.open', given => openTraceFile(services, given)),
    command('wakechain.import', async given =>
      (await import('./editor/import.ts')).importCommand(imports, given),
    ),
    vscode.window.registerTreeDataProvider('wakechain.traces', view),
    vscode.window.tabGroups.onDidChangeTabs(({ opened }) => {
      for (const tab of opened) void remember(tab, registry).then(() => view.refresh());
    }),
    vscode.window.registerUriHandler({ handleUri: uri => followLink(uri, editor, registry) }),
  );
  // Agents are told of new traces in a folder that is there; a capture says it aloud when it cannot be made.
  void readyFolder(captureDirectory()).then(folder => {
    if (folder.kind === 'bad') log.error(folder.message);
  });
  registerMcpServer(context, {
    program: context.asAbsolutePath('dist/mcp.js'),
    version: String(context.extension.packageJSON.version),
    traces: () => {
      const folder = captureDirectory();
      return folder.kind === 'folder' ? folder.path : join(storage, 'traces');
    },
    registry: registry.file,
  });
  for (const tab of vscode.window.tabGroups.all.flatMap(group => group.tabs)) void remember(tab, registry);
}

function captureFolder(storage: string): Folder {
  const setting = vscode.workspace.getConfiguration('wakechain').get<string>('captureDirectory', '');
  const first = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
  return chosenFolder(setting, {
    home: homedir(),
    workspace: first?.uri.fsPath,
    storage: join(storage, 'traces'),
  });
}

/** A trace that is opened becomes known to the view and to agents. */
async function remember(tab: vscode.Tab, registry: TraceRegistry): Promise<void> {
  const { input } = tab;
  if (input instanceof vscode.TabInputCustom && input.viewType === VIEW_TYPE && input.uri.scheme === 'file')
    await registry.add(input.uri.fsPath);
}

async function openTraceFile(services: CaptureServices, given: unknown): Promise<void> {
  if (given instanceof vscode.Uri) return services.open(given.fsPath);
  const folder = services.captureDirectory();
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title: 'Open GPU Trace',
      filters: { 'GPU traces': ['wakechain.db', 'db'], 'All files': ['*'] },
      ...(folder.kind === 'folder' ? { defaultUri: vscode.Uri.file(folder.path) } : {}),
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
