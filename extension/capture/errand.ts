// An errand on a host under one notification of the editor, with Cancel: what session.ts needs, made of the editor's
// dialogs, settings and storage.

import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { ConfigSource } from '../remote/config.ts';
import { RemoteError } from '../remote/errors.ts';
import type { RemoteHost } from '../remote/host.ts';
import { localHost, THIS_MACHINE } from '../remote/local-host.ts';
import { connectHost } from '../remote/ssh-host.ts';
import { parseTarget } from '../remote/target.ts';
import { chooseHost, editorPrompts } from './dialogs.ts';
import { FOLDER_SETTING, readyFolder } from './folder.ts';
import { notice } from './notice.ts';
import type { Errand, Progress } from './prepare.ts';
import { progressText } from './progress-text.ts';
import type { CaptureServices } from './services.ts';

const RECENT_HOSTS = 'recentHosts';
const RECENT_KEPT = 8;

export const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('wakechain');

const configSource = (): ConfigSource => ({
  configFile: settings().get<string>('ssh.configFile', '') || undefined,
});

const recentHosts = ({ context }: CaptureServices): readonly string[] =>
  context.globalState.get<readonly string[]>(RECENT_HOSTS, []);

/** The host that was handed in, or the one that a person chooses; undefined when there will be none. */
export async function hostFor(
  services: CaptureServices,
  given: string | undefined,
): Promise<string | undefined> {
  if (!vscode.workspace.isTrusted) {
    void vscode.window.showErrorMessage(
      'Wakechain captures only in trusted workspaces, since a workspace can change how SSH connects. Trust this workspace, or use an empty window.',
    );
    return undefined;
  }
  return given ?? chooseHost(configSource(), recentHosts(services), services.log);
}

const OPEN_SETTING = 'Open Setting';

/** The folder for traces, made where it is missing; undefined after a person was told why there is none. */
export async function traceFolder(services: CaptureServices): Promise<string | undefined> {
  const folder = await readyFolder(services.captureDirectory());
  if (folder.kind === 'folder') return folder.path;
  services.log.error(folder.message);
  void vscode.window.showErrorMessage(notice(`Wakechain: ${folder.message}`), OPEN_SETTING).then(choice => {
    if (choice === OPEN_SETTING)
      void vscode.commands.executeCommand('workbench.action.openSettings', FOLDER_SETTING);
  });
  return undefined;
}

/** Runs `work` under a notification. `watch` sees each report as it comes, before it is shown. */
export function withNotification<T>(
  services: CaptureServices,
  place: { readonly host: string; readonly directory: string },
  title: string,
  work: (errand: Errand, token: vscode.CancellationToken) => Promise<T>,
  watch: (progress: Progress) => void = () => undefined,
): Promise<T> {
  const { host, directory } = place;
  const location = vscode.ProgressLocation.Notification;
  const running = vscode.window.withProgress(
    { location, title: `${title} ${notice(host)}`, cancellable: true },
    async (progress, token) => {
      const cancel = new AbortController();
      const show = oncePerSecond();
      token.onCancellationRequested(() => cancel.abort());
      return work(
        {
          connect: signal => connect(services, host, token, signal),
          collector: machine => collectorFor(services, machine),
          version: String(services.context.extension.packageJSON.version),
          prompts: editorPrompts(token),
          directory,
          cancel: cancel.signal,
          report: event => {
            watch(event);
            if (show(event)) progress.report({ message: progressText(event) });
          },
          log: line => services.log.info(line),
        },
        token,
      );
    },
  );
  return Promise.resolve(running);
}

/** Lets a new stage through at once, and news of the same stage once a second: text that changes faster is not read. */
function oncePerSecond(): (progress: Progress) => boolean {
  let stage: Progress['stage'] | undefined;
  let last = 0;
  return progress => {
    const now = Date.now();
    if (progress.stage === stage && now - last < 1000) return false;
    stage = progress.stage;
    last = now;
    return true;
  };
}

async function connect(
  services: CaptureServices,
  host: string,
  token: vscode.CancellationToken,
  signal: AbortSignal,
): Promise<RemoteHost> {
  if (host === THIS_MACHINE) return localHost();
  const connected = await connectHost(parseTarget(host), {
    config: configSource(),
    trustFile: vscode.Uri.joinPath(services.context.globalStorageUri, 'known_hosts').fsPath,
    prompts: editorPrompts(token),
    signal,
    log: line => services.log.info(line),
  });
  const hosts = [host, ...recentHosts(services).filter(other => other !== host)].slice(0, RECENT_KEPT);
  await services.context.globalState.update(RECENT_HOSTS, hosts);
  return connected;
}

async function collectorFor(
  services: CaptureServices,
  machine: 'x64' | 'arm64',
): Promise<{ file: string; bytes: number }> {
  const file = services.context.asAbsolutePath(`dist/collector/linux-${machine}/wakechain-collector`);
  const found = await stat(file).catch(() => undefined);
  if (!found)
    throw new RemoteError(
      'command',
      `This build of Wakechain has no collector for ${machine}.`,
      'Build it with "npm run build", or install the published extension.',
    );
  return { file, bytes: found.size };
}
