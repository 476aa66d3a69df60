// Runs inside the editor's extension host (--extensionTestsPath): the real `vscode` API, worked from outside over a
// loopback port, so that one test can call a command and look at the page that it opens. Ends when told to.

import { createServer, type IncomingMessage } from 'node:http';
import * as vscode from 'vscode';

/** What a test may ask of the extension host. Arguments and results are JSON. */
export interface HostApi {
  command(id: string, ...args: readonly unknown[]): unknown;
  /** Ids of all commands that the editor knows. */
  commands(): readonly string[];
  /** Opens a file with its default editor. */
  open(file: string): unknown;
  /** Opens a file as **Open With...** does. */
  openWith(file: string, viewType: string): unknown;
  extension(): { readonly active: boolean; readonly version: string; readonly storage?: string };
  tabs(): readonly {
    readonly label: string;
    readonly viewType: string | undefined;
    readonly active: boolean;
  }[];
  tools(): readonly { readonly name: string; readonly description: string }[];
  invokeTool(name: string, input: object): readonly string[];
  setting(name: string, value: unknown): unknown;
  closeAll(): unknown;
  exit(): void;
}

type Handlers = { [M in keyof HostApi]: (...args: Parameters<HostApi[M]>) => Promise<unknown> };

const handlers = (exit: () => void): Handlers => ({
  command: async (id, ...args) => vscode.commands.executeCommand(id, ...args),
  commands: async () => vscode.commands.getCommands(),
  open: async file => vscode.commands.executeCommand('vscode.open', vscode.Uri.file(file)),
  openWith: async (file, viewType) =>
    vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), viewType),
  extension: async () => {
    const extension = vscode.extensions.getExtension('wakechain.wakechain');
    return { active: extension?.isActive ?? false, version: String(extension?.packageJSON.version) };
  },
  tabs: async () =>
    vscode.window.tabGroups.all.flatMap(group =>
      group.tabs.map(tab => ({
        label: tab.label,
        viewType: tab.input instanceof vscode.TabInputCustom ? tab.input.viewType : undefined,
        active: tab.isActive,
      })),
    ),
  tools: async () => vscode.lm.tools.map(({ name, description }) => ({ name, description })),
  invokeTool: async (name, input) => {
    const result = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
    return result.content.map(part =>
      part instanceof vscode.LanguageModelTextPart ? part.value : JSON.stringify(part),
    );
  },
  setting: async (name, value) =>
    vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global),
  closeAll: async () => vscode.commands.executeCommand('workbench.action.closeAllEditors'),
  exit: async () => exit(),
});

async function body(request: IncomingMessage): Promise<{ method: keyof HostApi; args: readonly unknown[] }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** VS Code's entry: the run is over when this settles. The port comes from the environment. */
export function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    const all = handlers(() => setTimeout(resolve, 100));
    const server = createServer(async (request, response) => {
      const { method, args } = await body(request);
      try {
        const result = await Reflect.apply(all[method], undefined, args);
        response.end(JSON.stringify({ ok: result ?? null }));
      } catch (error) {
        response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
      }
    });
    server.on('error', reject);
    server.listen(Number(process.env['WAKECHAIN_TEST_PORT']), '127.0.0.1');
  });
}
