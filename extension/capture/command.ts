// The commands of this room: `wakechain.capture`, `wakechain.stop`, `wakechain.fetch`, `wakechain.check`.
// `wakechain.capture` may be called with what it would ask ({ host, target, durationSeconds, profile }) and answers with
// the outcome, so that chats and tests can use it; what is missing is asked for.

import * as vscode from 'vscode';
import { z } from 'zod';
import { choosePlan, MAX_DURATION_SECONDS } from './dialogs.ts';
import { hostFor, settings, traceFolder, withNotification } from './errand.ts';
import { type KeptRecording, keptRecordings } from './kept-list.ts';
import type { CheckItem } from './messages.ts';
import { label } from './notice.ts';
import type { CaptureOutcome } from './outcome.ts';
import { type CapturePlan, PROFILES } from './plan.ts';
import type { CaptureServices } from './services.ts';
import { capture, checkOn, fetchKept } from './session.ts';
import { settleKept, tell } from './tell.ts';

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

/** The one capture of this window, from its first question to its end. */
let underWay: { readonly stop: AbortController; isRecording: boolean } | undefined;

/** `wakechain.stop` */
export function stopCapture(): void {
  if (underWay?.isRecording) {
    underWay.stop.abort();
    return;
  }
  void vscode.window.showInformationMessage(
    underWay
      ? 'Wakechain: nothing is recorded yet, or not any more. Cancel in the notification ends the capture.'
      : 'Wakechain: nothing is being recorded in this window.',
  );
}

/** `wakechain.capture` */
export async function captureCommand(
  services: CaptureServices,
  given: unknown,
): Promise<CaptureOutcome | undefined> {
  const parsed = captureArguments.safeParse(given ?? {});
  if (!parsed.success)
    throw new Error(
      `wakechain.capture: ${z.prettifyError(parsed.error)} It takes { host, target, durationSeconds, profile }.`,
    );
  if (underWay) {
    void vscode.window.showInformationMessage('Wakechain: a capture is already under way in this window.');
    return undefined;
  }
  const slot = { stop: new AbortController(), isRecording: false };
  underWay = slot;
  const sign = stopSign();
  const recording = (is: boolean): void => {
    if (slot.isRecording === is) return;
    slot.isRecording = is;
    sign.show(is);
  };
  try {
    const directory = await traceFolder(services);
    const host = directory === undefined ? undefined : await hostFor(services, parsed.data.host);
    if (directory === undefined || host === undefined) return undefined;
    const outcome = await withNotification(
      services,
      { host, directory },
      'Capturing on',
      (errand, token) =>
        capture({
          ...errand,
          now: new Date(),
          stop: slot.stop.signal,
          choose: async found => planFrom(parsed.data) ?? choosePlan(found, defaults(), token),
        }),
      ({ stage }) => recording(stage === 'record'),
    );
    recording(false);
    await tell(services, host, outcome, { command: 'wakechain.capture', argument: { ...parsed.data, host } });
    return outcome;
  } finally {
    recording(false);
    sign.dispose();
    underWay = undefined;
  }
}

/** Where Stop is offered while something is being recorded: the status bar and the palette. */
function stopSign(): { show(is: boolean): void; dispose(): void } {
  const status = vscode.window.createStatusBarItem(vscode.StatusBarAlignment.Left);
  status.text = '$(debug-stop) Stop GPU capture';
  status.tooltip = 'Stop recording now and keep what was recorded';
  status.command = 'wakechain.stop';
  const show = (is: boolean): void => {
    if (is) status.show();
    else status.hide();
    void vscode.commands.executeCommand('setContext', 'wakechain.recording', is);
  };
  return { show, dispose: () => status.dispose() };
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

function defaults(): { durationSeconds: number; profile: CapturePlan['profile'] } {
  const profile = settings().get<string>('capture.profile');
  return {
    durationSeconds: settings().get<number>('capture.durationSeconds', 10),
    profile: PROFILES.find(one => one === profile) ?? 'standard',
  };
}

/** `wakechain.fetch`: brings a recording here that had to stay on its host. Given { host, folder }, that one. */
export async function fetchCommand(
  services: CaptureServices,
  given: unknown,
): Promise<CaptureOutcome | undefined> {
  const recording = await chooseKept(keptRecordings(services.context.globalState), given);
  if (recording === undefined) return undefined;
  const directory = await traceFolder(services);
  const host = directory === undefined ? undefined : await hostFor(services, recording.host);
  if (directory === undefined || host === undefined) return undefined;
  const outcome = await withNotification(services, { host, directory }, 'Fetching from', errand =>
    fetchKept(errand, recording),
  );
  await settleKept(services, recording, outcome);
  await tell(services, host, outcome, { command: 'wakechain.capture', argument: { host } });
  return outcome;
}

/** Only what was kept by this editor: a folder that somebody else names is not looked into. */
async function chooseKept(
  kept: readonly KeptRecording[],
  given: unknown,
): Promise<KeptRecording | undefined> {
  const named = z.object({ host: z.string(), folder: z.string() }).safeParse(given);
  if (named.success) {
    const { host, folder } = named.data;
    const found = kept.find(one => one.host === host && one.folder === folder);
    if (found) return found;
  }
  if (kept.length === 0) {
    void vscode.window.showInformationMessage('Wakechain: no recording is waiting on a host.');
    return undefined;
  }
  const items = kept.map(recording => ({
    label: `$(remote) ${label(recording.host)}`,
    description: new Date(recording.time).toLocaleString(),
    detail: recording.folder,
    recording,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Fetch Kept Recording',
    placeHolder: 'Recordings that could not be brought here, and are still on their host',
  });
  return chosen?.recording;
}

/** `wakechain.check`: connects, and shows what the host can do, item by item; nothing is recorded. */
export async function checkCommand(
  services: CaptureServices,
  given: unknown,
): Promise<readonly CheckItem[] | undefined> {
  const parsed = z.object({ host: z.string().optional() }).safeParse(given ?? {});
  const host = await hostFor(services, parsed.success ? parsed.data.host : undefined);
  if (host === undefined) return undefined;
  const outcome = await withNotification(services, { host, directory: '' }, 'Checking', checkOn);
  if (outcome.kind !== 'checked') {
    await tell(services, host, outcome, { command: 'wakechain.check', argument: { host } });
    return undefined;
  }
  void vscode.window.showQuickPick(outcome.items.map(checkItem), {
    title: `What ${label(host)} Can Do`,
    placeHolder: 'What each item costs, and what to do about it',
    matchOnDetail: true,
  });
  return outcome.items;
}

const CHECK_ICONS: Readonly<Record<CheckItem['state'], string>> = {
  pass: 'pass',
  degraded: 'warning',
  fail: 'error',
};

const checkItem = (item: CheckItem): vscode.QuickPickItem => ({
  label: `$(${CHECK_ICONS[item.state]}) ${label(item.code)}`,
  description: label(item.message),
  detail: label([item.cost, item.hint].filter(Boolean).join(' '), 500),
});
