// The custom editor `wakechain.trace`: opens a trace read-only and serves its pictures. One Trace (one query process)
// for each document, shared by all editors on it and ended with it. Closing an editor forgets nothing: what it showed
// is kept in the workspace's own state.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Selection, Tab } from '../../webview/protocol.ts';
import type { Trace } from '../trace/api.ts';
import { openTraceOrOffer } from '../trace/import/client.ts';
import { checkViewState } from './messages.ts';
import { pageHtml, policyOf } from './page.ts';
import { Session } from './session.ts';

export const VIEW_TYPE = 'wakechain.trace';
/** Any other database, on request: another tool's trace is offered for import. */
const FOREIGN_VIEW_TYPE = 'wakechain.foreign';

export interface TraceEditor {
  /** Opens the trace, or brings its editor to the front, and shows that. */
  reveal(file: string, what: { readonly tab: Tab; readonly selection: Selection }): Promise<void>;
}

interface Options {
  /** dist/query.js: the query process. */
  readonly queryProgram: string;
  readonly log: vscode.LogOutputChannel;
  /** Imports another tool's trace and opens the result; true when it did. */
  import(file: string): Promise<boolean>;
}

class TraceDocument implements vscode.CustomDocument {
  readonly uri: vscode.Uri;
  readonly trace: Promise<Trace>;
  readonly sessions = new Set<Session>();

  constructor(uri: vscode.Uri, trace: Promise<Trace>) {
    this.uri = uri;
    this.trace = trace;
    // Each session tells its page; until one asks, a failure must not end the extension host.
    this.trace.catch(() => undefined);
  }

  dispose(): void {
    this.trace.then(
      trace => trace.close(),
      () => undefined,
    );
  }
}

class TraceEditorProvider implements vscode.CustomReadonlyEditorProvider<TraceDocument> {
  readonly #context: vscode.ExtensionContext;
  readonly #options: Options;
  readonly #documents = new Map<string, TraceDocument>();

  constructor(context: vscode.ExtensionContext, options: Options) {
    this.#context = context;
    this.#options = options;
  }

  openCustomDocument(uri: vscode.Uri): TraceDocument {
    const { queryProgram, log } = this.#options;
    const trace =
      uri.scheme === 'file'
        ? openTraceOrOffer(uri.fsPath, { queryProgram, forPictures: true })
        : Promise.reject(
            Object.assign(new Error(`Wakechain reads traces from files; this one is at "${uri.scheme}:".`), {
              reason: 'unreadable',
              hint: 'Copy the trace to a folder of the machine where Wakechain runs, and open it there.',
            }),
          );
    trace.then(
      () => log.info(`Opened ${uri.fsPath}`),
      error =>
        log.warn(`Cannot open ${uri.fsPath}: ${error instanceof Error ? error.message : String(error)}`),
    );
    const document = new TraceDocument(uri, trace);
    this.#documents.set(uri.toString(), document);
    return document;
  }

  resolveCustomEditor(document: TraceDocument, panel: vscode.WebviewPanel): void {
    const { webview } = panel;
    const session = new Session({
      file: vscode.workspace.asRelativePath(document.uri),
      trace: document.trace,
      send: message => void webview.postMessage(message),
      state: () => checkViewState(this.#context.workspaceState.get(stateKey(document.uri))),
      keep: state => void this.#context.workspaceState.update(stateKey(document.uri), state),
      openSource: (file, line) => void this.#openSource(file, line),
      copy: text => void vscode.env.clipboard.writeText(text),
      import: () => void this.#options.import(document.uri.fsPath).then(done => done && panel.dispose()),
      log: line => this.#options.log.warn(line),
    });
    document.sessions.add(session);
    const received = webview.onDidReceiveMessage(message => session.receive(message));
    panel.onDidDispose(() => {
      received.dispose();
      session.close();
      document.sessions.delete(session);
      if (document.sessions.size === 0) this.#documents.delete(document.uri.toString());
    });
    const folder = vscode.Uri.joinPath(this.#context.extensionUri, 'dist', 'webview');
    webview.options = { enableScripts: true, localResourceRoots: [folder] };
    const nonce = randomBytes(18).toString('base64');
    const address = (name: string): string =>
      webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
    webview.html = pageHtml({
      policy: policyOf(webview.cspSource, nonce, "'none'"),
      nonce,
      script: address('main.js'),
      styles: address('main.css'),
      icons: address('codicon.css'),
      // The editor adds the theme's own classes.
      bodyClass: '',
      themeStyles: undefined,
    });
  }

  async reveal(file: string, what: { readonly tab: Tab; readonly selection: Selection }): Promise<void> {
    const uri = vscode.Uri.file(file);
    await vscode.commands.executeCommand('vscode.openWith', uri, VIEW_TYPE);
    for (const session of this.#documents.get(uri.toString())?.sessions ?? []) {
      session.push({ type: 'reveal', ...what });
    }
  }

  /** A path of the traced host: opened where this machine has it too, in the workspace by its last parts otherwise. */
  async #openSource(file: string, line: number | undefined): Promise<void> {
    const found = await this.#findSource(file);
    if (found === undefined) {
      void vscode.window.showInformationMessage(
        `Wakechain: ${file} is a path of the traced host, and no file of this workspace ends like it. Open the folder with its sources and try again.`,
      );
      return;
    }
    const at = new vscode.Position(Math.max(0, (line ?? 1) - 1), 0);
    await vscode.window.showTextDocument(found, {
      viewColumn: vscode.ViewColumn.Beside,
      selection: new vscode.Range(at, at),
    });
  }

  async #findSource(file: string): Promise<vscode.Uri | undefined> {
    const parts = file.split(/[\\/]/).filter(part => part !== '');
    for (let from = 0; from < parts.length; from += 1) {
      const tail = parts.slice(from).map(escapeGlob).join('/');
      const [first] = await vscode.workspace.findFiles(`**/${tail}`, undefined, 1);
      if (first !== undefined) return first;
    }
    const here = vscode.Uri.file(file);
    return vscode.workspace.fs.stat(here).then(
      () => here,
      () => undefined,
    );
  }
}

const escapeGlob = (part: string): string => part.replace(/[*?[\]{}]/g, character => `[${character}]`);

const stateKey = (uri: vscode.Uri): string => `view ${uri.toString()}`;

export function registerTraceEditor(context: vscode.ExtensionContext, options: Options): TraceEditor {
  const provider = new TraceEditorProvider(context, options);
  const many = { supportsMultipleEditorsPerDocument: true };
  context.subscriptions.push(
    vscode.window.registerCustomEditorProvider(VIEW_TYPE, provider, many),
    vscode.window.registerCustomEditorProvider(FOREIGN_VIEW_TYPE, provider, many),
  );
  return provider;
}
