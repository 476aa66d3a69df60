// The questions of a capture as the editor's own dialogs: quick picks, input boxes, and one modal for an unknown host
// key. Every function answers undefined when the person walks away.

import * as vscode from 'vscode';
import { type ConfigSource, userConfigFile } from '../remote/config.ts';
import { configuredHosts } from '../remote/config-hosts.ts';
import { RemoteError } from '../remote/errors.ts';
import { THIS_MACHINE } from '../remote/local-host.ts';
import type { Prompts } from '../remote/prompts.ts';
import { parseTarget } from '../remote/target.ts';
import type { CheckItem, FoundProcess } from './messages.ts';
import { label } from './notice.ts';
import { type CapturePlan, type CaptureTarget, PROFILES, type Profile } from './plan.ts';

interface HostItem extends vscode.QuickPickItem {
  readonly host?: string;
}

/** Recent hosts, those of the SSH configuration, this machine, or whatever is typed. */
export async function chooseHost(
  source: ConfigSource,
  recent: readonly string[],
  log: vscode.LogOutputChannel,
): Promise<string | undefined> {
  let unread = false;
  const configured = await configuredHosts(source).catch((error: unknown) => {
    log.warn(error instanceof Error ? error.message : String(error));
    unread = true;
    return [];
  });
  const known: HostItem[] = [
    ...section(
      'recent',
      recent.map(host => hostItem(host)),
    ),
    ...section(
      userConfigFile(source),
      configured.filter(host => !recent.includes(host)).map(host => hostItem(host)),
    ),
    ...(process.platform === 'linux' && !recent.includes(THIS_MACHINE)
      ? section('without SSH', [hostItem(THIS_MACHINE)])
      : []),
  ];
  const pick = vscode.window.createQuickPick<HostItem>();
  pick.title = 'Capture GPU Trace: Host';
  pick.placeholder = unread
    ? `${userConfigFile(source)} cannot be read (the log says why): type user@host:port`
    : 'Choose a host, or type user@host:port';
  pick.ignoreFocusOut = true;
  pick.items = known;
  pick.onDidChangeValue(value => {
    const typed = value.trim();
    const isKnown = known.some(item => item.host === typed);
    pick.items =
      typed === '' || isKnown
        ? known
        : [{ label: typed, description: 'connect to this host', alwaysShow: true, host: typed }, ...known];
  });
  return new Promise(resolve => {
    pick.onDidAccept(() => {
      const host = pick.selectedItems[0]?.host;
      if (host === undefined) return;
      const bad = host === THIS_MACHINE ? undefined : problemOf(host);
      if (bad !== undefined) {
        pick.title = bad;
        return;
      }
      resolve(host);
      pick.dispose();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

const hostItem = (host: string): HostItem => ({
  label: `$(${host === THIS_MACHINE ? 'device-desktop' : 'remote'}) ${host}`,
  host,
});

const section = (label: string, items: readonly HostItem[]): HostItem[] =>
  items.length === 0 ? [] : [{ label, kind: vscode.QuickPickItemKind.Separator }, ...items];

function problemOf(host: string): string | undefined {
  try {
    parseTarget(host);
    return undefined;
  } catch (error) {
    return error instanceof RemoteError ? error.message : String(error);
  }
}

interface TargetItem extends vscode.QuickPickItem {
  readonly target?: CaptureTarget | 'command';
}

/** Which process, for how long, how closely. */
export async function choosePlan(
  found: {
    readonly host: string;
    readonly check: readonly CheckItem[];
    readonly processes: readonly FoundProcess[];
  },
  defaults: { readonly durationSeconds: number; readonly profile: Profile },
  token: vscode.CancellationToken,
): Promise<CapturePlan | undefined> {
  const target = await chooseTarget(found, token);
  if (target === undefined) return undefined;
  const durationSeconds = await chooseDuration(target, defaults.durationSeconds, token);
  if (durationSeconds === undefined) return undefined;
  const profile = await chooseProfile(defaults.profile, token);
  if (profile === undefined) return undefined;
  return { target, durationSeconds: durationSeconds === 0 ? undefined : durationSeconds, profile };
}

async function chooseTarget(
  found: Parameters<typeof choosePlan>[0],
  token: vscode.CancellationToken,
): Promise<CaptureTarget | undefined> {
  const processes = found.processes.map(
    (one): TargetItem => ({
      label: `$(server-process) ${label(one.name)}`,
      description: [`pid ${one.pid}`, label(one.user ?? ''), memory(one.gpu_memory_bytes)]
        .filter(Boolean)
        .join(' · '),
      detail: label(one.command_line ?? '', 500),
      target: { kind: 'processes', pids: [one.pid] },
    }),
  );
  const items: TargetItem[] = [
    {
      label:
        processes.length === 0
          ? 'no process uses CUDA at the moment'
          : `processes on ${found.host} that use CUDA`,
      kind: vscode.QuickPickItemKind.Separator,
    },
    ...processes,
    ...(processes.length > 1
      ? [{ label: '$(list-unordered) All of them', target: { kind: 'all' } } satisfies TargetItem]
      : []),
    { label: 'or', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(terminal) Start a command and record it', target: 'command' },
  ];
  const degraded = found.check.filter(item => item.state === 'degraded');
  const chosen = await vscode.window.showQuickPick(
    items,
    {
      title: `Capture on ${found.host}: What to Record${degraded.length > 0 ? ` (limited: ${label(degraded.map(item => item.code).join(', '))})` : ''}`,
      placeHolder: 'Choose a process or a command',
      matchOnDescription: true,
      matchOnDetail: true,
      ignoreFocusOut: true,
    },
    token,
  );
  if (chosen?.target !== 'command') return chosen?.target;
  const line = await vscode.window.showInputBox(
    {
      title: `Capture on ${found.host}: Command`,
      prompt: 'A shell line; it runs as your login user, in your home directory.',
      ignoreFocusOut: true,
      validateInput: text => (text.trim() === '' ? 'Write a command.' : undefined),
    },
    token,
  );
  return line === undefined ? undefined : { kind: 'command', line };
}

const memory = (bytes: number | null | undefined): string =>
  typeof bytes === 'number' ? `${(bytes / 1024 ** 3).toFixed(1)} GiB of GPU memory` : '';

export const MAX_DURATION_SECONDS = 3600;

/** Seconds; 0: as long as the command runs. */
async function chooseDuration(
  target: CaptureTarget,
  suggestion: number,
  token: vscode.CancellationToken,
): Promise<number | undefined> {
  const command = target.kind === 'command';
  const text = await vscode.window.showInputBox(
    {
      title: 'Capture GPU Trace: Seconds to Record',
      value: command ? '' : String(suggestion),
      ...(command ? { placeHolder: 'as long as the command runs' } : {}),
      ignoreFocusOut: true,
      validateInput: value => {
        if (command && value.trim() === '') return undefined;
        const seconds = Number(value);
        return seconds > 0 && seconds <= MAX_DURATION_SECONDS
          ? undefined
          : `Write a number of seconds, at most ${MAX_DURATION_SECONDS}.`;
      },
    },
    token,
  );
  return text === undefined ? undefined : Number(text);
}

const PROFILE_DETAILS: Readonly<Record<Profile, string>> = {
  minimal: 'CUDA calls and waiting of the chosen processes, no stacks: the least overhead',
  standard: 'CUDA calls, waiting, wake-ups and stacks of slow waits',
};

async function chooseProfile(
  preferred: Profile,
  token: vscode.CancellationToken,
): Promise<Profile | undefined> {
  const order = [preferred, ...PROFILES.filter(profile => profile !== preferred)];
  const items = order.map(profile => ({ label: profile, detail: PROFILE_DETAILS[profile], profile }));
  const chosen = await vscode.window.showQuickPick(
    items,
    { title: 'Capture GPU Trace: Profile', ignoreFocusOut: true },
    token,
  );
  return chosen?.profile;
}

/** What connecting may ask, in dialogs that end with `token`. */
export function editorPrompts(token: vscode.CancellationToken): Prompts {
  const secret = (title: string, prompt: string): Promise<string | undefined> =>
    Promise.resolve(
      vscode.window.showInputBox(
        { title: label(title), prompt: label(prompt), password: true, ignoreFocusOut: true },
        token,
      ),
    );
  const retry = (again: boolean): string => (again ? 'That was not right. ' : '');
  return {
    trustHostKey: async question => {
      const refuse: vscode.MessageItem = { title: 'Do Not Connect' };
      const remember: vscode.MessageItem = { title: 'Connect and Remember' };
      const once: vscode.MessageItem = { title: 'Connect Once' };
      const answer = await vscode.window.showWarningMessage(
        `The host ${question.host} (port ${question.port}) is not known here.`,
        {
          modal: true,
          detail: `It shows a key of type ${label(question.keyType)} with the fingerprint\n${question.fingerprint}\n\nConnect only if this is the fingerprint that the host's administrator names.${question.remark === undefined ? '' : `\n\n${question.remark}`}`,
        },
        refuse,
        remember,
        once,
      );
      if (answer === remember) return 'remember';
      return answer === once ? 'once' : undefined;
    },
    passphrase: ({ keyFile, again }) => secret('SSH Key', `${retry(again)}Passphrase of ${keyFile}`),
    password: ({ user, host, again }) =>
      secret(`SSH: ${host}`, `${retry(again)}Password of ${user} on ${host}`),
    sudoPassword: ({ user, host, again }) =>
      secret(
        `sudo on ${host}`,
        `${retry(again)}Recording needs root. Password of ${user} for sudo; it is used for this capture and not stored.`,
      ),
    answers: async ({ host, instructions, prompts }) => {
      const answers: string[] = [];
      for (const { prompt, echo } of prompts) {
        const answer = await vscode.window.showInputBox(
          {
            title: label(`SSH: ${host} asks`),
            prompt: label(`${instructions} ${prompt}`, 500),
            password: !echo,
            ignoreFocusOut: true,
          },
          token,
        );
        if (answer === undefined) return undefined;
        answers.push(answer);
      }
      return answers;
    },
  };
}
