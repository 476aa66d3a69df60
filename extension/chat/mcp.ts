// Offers the trace database to the editor's agents: the MCP server of dist/mcp.js, started by the editor when an agent
// wants it. It finds the traces by itself, in the capture folder and in the list that the editor keeps, so a new trace
// needs no restart. In untrusted workspaces there is no server.

import * as vscode from 'vscode';

const MCP_PROVIDER = 'wakechain';

interface McpOptions {
  /** dist/mcp.js */
  readonly program: string;
  readonly version: string;
  /** The folder of captures, now. */
  traces(): string;
  readonly registry: string;
}

export function registerMcpServer(context: vscode.ExtensionContext, options: McpOptions): void {
  // Editors built on older or other sources have no such thing.
  if (typeof vscode.lm?.registerMcpServerDefinitionProvider !== 'function') return;
  const changed = new vscode.EventEmitter<void>();
  context.subscriptions.push(
    changed,
    vscode.workspace.onDidGrantWorkspaceTrust(() => changed.fire()),
    vscode.workspace.onDidChangeConfiguration(event => {
      if (event.affectsConfiguration('wakechain.captureDirectory')) changed.fire();
    }),
    vscode.lm.registerMcpServerDefinitionProvider(MCP_PROVIDER, {
      onDidChangeMcpServerDefinitions: changed.event,
      provideMcpServerDefinitions: () => (vscode.workspace.isTrusted ? [definition(options)] : []),
    }),
  );
}

/** The editor's own Node runs the server: no other need be installed. */
const definition = ({ program, version, traces, registry }: McpOptions): vscode.McpStdioServerDefinition =>
  new vscode.McpStdioServerDefinition(
    'Wakechain',
    process.execPath,
    [program, '--traces', traces(), '--registry', registry],
    { ELECTRON_RUN_AS_NODE: '1' },
    version,
  );
