// The commands `wakechain.capture`, `wakechain.check` and `wakechain.stop`: dialogs and one notification around
// session.ts. `wakechain.capture` may be called with what it would ask ({ host, target, durationSeconds, profile }) and
// answers with the outcome, so that chats and tests can use it; what is missing is asked for.

import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import { z } from 'zod';
import type { ConfigSource } from '../remote/config.ts';
import { RemoteError } from '../remote/errors.ts';
import type { RemoteHost } from '../remote/host.ts';
import { localHost, THIS_MACHINE } from '../remote/local-host.ts';
import { connectHost } from '../remote/ssh-host.ts';
import { parseTarget } from '../remote/target.ts';
import { chooseHost, choosePlan, editorPrompts, MAX_DURATION_SECONDS } from './dialogs.ts';
import type { CheckItem } from './messages.ts';
import { type CapturePlan, PROFILES } from './plan.ts';
import { progressText, STAGE_WORDS } from './progress-text.ts';
import type { TraceRegistry } from './registry.ts';
import { type CaptureOutcome, type CaptureRequest, capture, type Progress } from './session.ts';

export interface CaptureServices {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly registry: TraceRegistry;
  captureDirectory(): string;
  open(file: string): Promise<void>;
}

const captureArguments = z.object({
  host: z.string().optional(),
  target: z
    .union([
      z.object({ kind: z.literal('processes'), pids: z.array(z.int().positive()).min(1) }),
      z.object({ kind: z.literal('all') }),
      z.object({ kind: z.literal('command'), line: z.string().min(1) }),
    ])
    .optional(),
  durationSeconds: z.number().positive().max(MAX_DURATION_SECONDS).optional(),
  profile: z.enum(PROFILES).optional(),
});
type CaptureArguments = z.infer<typeof captureArguments>;

const RECENT_HOSTS = 'recentHosts';
const RECENT_KEPT = 8;

let stopRecording: (() => void) | undefined;

export const stopCapture = (): void => stopRecording?.();

export async function captureCommand(
  services: CaptureServices,
  given: unknown,
): Promise<CaptureOutcome | undefined> {
  const parsed = captureArguments.safeParse(given ?? {});
  if (!parsed.success)
    throw new Error(
      `wakechain.capture: ${z.prettifyError(parsed.error)} It takes { host, target, durationSeconds, profile }.`,
    );
  if (stopRecording) {
    void vscode.window.showInformationMessage('Wakechain: a capture is already under way in this window.');
    return undefined;
  }
  const host = await hostFor(services, parsed.data.host);
  if (host === undefined) return undefined;
  const outcome = await withNotification(services, host, 'Capturing on', (request, token) => ({
    ...request,
    choose: async found => planFrom(parsed.data) ?? choosePlan(found, defaults(), token),
  }));
  await tell(services, host, outcome);
  return outcome;
}

/** What was handed in is enough when it names the target: the rest has defaults. */
function planFrom(given: CaptureArguments): CapturePlan | undefined {
  if (given.target === undefined) return undefined;
  const { durationSeconds, profile } = defaults();
  return {
    target: given.target,
    durationSeconds: given.durationSeconds ?? (given.target.kind === 'command' ? undefined : durationSeconds),
    profile: given.profile ?? profile,
  };
}

const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('wakechain');

function defaults(): { durationSeconds: number; profile: CapturePlan['profile'] } {
  const profile = settings().get<string>('capture.profile');
  return {
    durationSeconds: settings().get<number>('capture.durationSeconds', 10),
    profile: PROFILES.find(one => one === profile) ?? 'standard',
  };
}

const configSource = (): ConfigSource => ({
  configFile: settings().get<string>('ssh.configFile', '') || undefined,
});

async function hostFor(services: CaptureServices, given: string | undefined): Promise<string | undefined> {
  if (!vscode.workspace.isTrusted) {
    void vscode.window.showErrorMessage(
      'Wakechain captures only in trusted workspaces, since a workspace can change how SSH connects. Trust this workspace, or use an empty window.',
    );
    return undefined;
  }
  const recent = services.context.globalState.get<readonly string[]>(RECENT_HOSTS, []);
  return given ?? chooseHost(configSource(), recent, services.log);
}

/** Runs a session under one notification with Cancel, and a way to stop early while it records. */
async function withNotification(
  services: CaptureServices,
  host: string,
  title: string,
  complete: (request: Omit<CaptureRequest, 'choose'>, token: vscode.CancellationToken) => CaptureRequest,
): Promise<CaptureOutcome> {
  const stop = new AbortController();
  const status = vscode.window.createStatusBarItem(vscode.StatusBarAlignment.Left);
  status.text = '$(debug-stop) Stop GPU capture';
  status.tooltip = 'Stop recording now and keep what was recorded';
  status.command = 'wakechain.stop';
  try {
    stopRecording = () => stop.abort();
    return await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: `${title} ${host}`, cancellable: true },
      async (progress, token) => {
        const cancel = new AbortController();
        const show = oncePerSecond();
        token.onCancellationRequested(() => cancel.abort());
        return capture(
          complete(
            {
              connect: signal => connect(services, host, token, signal),
              collector: machine => collectorFor(services, machine),
              version: String(services.context.extension.packageJSON.version),
              prompts: editorPrompts(token),
              directory: services.captureDirectory(),
              now: new Date(),
              cancel: cancel.signal,
              stop: stop.signal,
              report: event => {
                if (show(event)) progress.report({ message: progressText(event) });
                if (event.stage === 'record') status.show();
                else status.hide();
              },
              log: line => services.log.info(line),
            },
            token,
          ),
        );
      },
    );
  } finally {
    stopRecording = undefined;
    status.dispose();
  }
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
  const recent = services.context.globalState.get<readonly string[]>(RECENT_HOSTS, []);
  const hosts = [host, ...recent.filter(other => other !== host)].slice(0, RECENT_KEPT);
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

const SHOW_LOG = 'Show Log';
const TRY_AGAIN = 'Try Again';

/** Says how it ended, and opens what was captured. */
async function tell(services: CaptureServices, host: string, outcome: CaptureOutcome): Promise<void> {
  const left = outcome.leftovers.length > 0 ? ` Left there: ${outcome.leftovers.join('; ')}.` : '';
  switch (outcome.kind) {
    case 'captured': {
      await services.registry.add(outcome.file);
      await services.open(outcome.file);
      const status = outcome.commandExitStatus ?? 0;
      const remarks = [
        ...outcome.remarks,
        ...(status === 0 ? [] : [`The command ended with status ${status}.`]),
        ...(left === '' ? [] : [left.trim()]),
      ];
      if (remarks.length > 0)
        void vscode.window.showWarningMessage(
          `Wakechain: the trace from ${host} is here. ${remarks.join(' ')}`,
        );
      return;
    }
    case 'cancelled':
      services.log.info(`Cancelled (${outcome.stage}).${left}`);
      void vscode.window.showInformationMessage(
        `Wakechain: cancelled while ${STAGE_WORDS[outcome.stage]}. ${left === '' ? `Nothing is left on ${host}.` : left.trim()}`,
      );
      return;
    case 'failed': {
      const { error } = outcome;
      services.log.error(`${outcome.stage}: ${error.message} ${error.hint ?? ''}${left}`);
      void vscode.window
        .showErrorMessage(`Wakechain: ${error.message} ${error.hint ?? ''}${left}`, TRY_AGAIN, SHOW_LOG)
        .then(choice => {
          if (choice === SHOW_LOG) services.log.show();
          if (choice === TRY_AGAIN) void vscode.commands.executeCommand('wakechain.capture', { host });
        });
    }
  }
}

/** `wakechain.check`: connects, and shows what the host can do, item by item; nothing is recorded. */
export async function checkCommand(
  services: CaptureServices,
  given: unknown,
): Promise<readonly CheckItem[] | undefined> {
  const parsed = z.object({ host: z.string().optional() }).safeParse(given ?? {});
  const host = await hostFor(services, parsed.success ? parsed.data.host : undefined);
  if (host === undefined) return undefined;
  let items: readonly CheckItem[] | undefined;
  const outcome = await withNotification(services, host, 'Checking', request => ({
    ...request,
    choose: async found => {
      items = found.check;
      return undefined;
    },
  }));
  if (items === undefined) {
    await tell(services, host, outcome);
    return undefined;
  }
  void vscode.window.showQuickPick(items.map(checkItem), {
    title: `What ${host} Can Do`,
    placeHolder: 'What each item costs, and what to do about it',
    matchOnDetail: true,
  });
  return items;
}

const CHECK_ICONS: Readonly<Record<CheckItem['state'], string>> = {
  pass: 'pass',
  degraded: 'warning',
  fail: 'error',
};

const checkItem = (item: CheckItem): vscode.QuickPickItem => ({
  label: `$(${CHECK_ICONS[item.state]}) ${item.code}`,
  description: item.message,
  detail: [item.cost, item.hint].filter(Boolean).join(' '),
});
