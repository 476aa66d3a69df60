// Says how an errand on a host ended, in one notification with what can be done about it; the log has the whole.

import * as vscode from 'vscode';
import { forgetKept, type KeptRecording, rememberKept } from './kept-list.ts';
import { notice } from './notice.ts';
import type { CaptureOutcome } from './outcome.ts';
import { STAGE_WORDS } from './progress-text.ts';
import { CollectorFailure } from './record.ts';
import type { CaptureServices } from './services.ts';

const SHOW_LOG = 'Show Log';
const TRY_AGAIN = 'Try Again';

/** `again`: the command that does the same errand anew, with its arguments. */
export async function tell(
  services: CaptureServices,
  host: string,
  outcome: CaptureOutcome,
  again: { readonly command: string; readonly argument: unknown },
): Promise<void> {
  const left = outcome.leftovers.length > 0 ? [`Left there: ${outcome.leftovers.join('; ')}.`] : [];
  if (outcome.kind === 'captured') return tellCaptured(services, host, outcome, left);
  const kept = outcome.kept === undefined ? undefined : { host, ...outcome.kept };
  if (kept) await rememberKept(services.context.globalState, kept);
  if (outcome.kind === 'cancelled') {
    const stays = kept
      ? [
          `The recording stays on ${host} in ${kept.folder}; "Wakechain: Fetch Kept Recording" brings it here.`,
        ]
      : [];
    const end = [...stays, ...left];
    const sentences = end.length > 0 ? end : [`Nothing is left on ${host}.`];
    services.log.info(`cancelled while ${STAGE_WORDS[outcome.stage]}. ${sentences.join(' ')}`);
    void vscode.window.showInformationMessage(
      notice(`Wakechain: cancelled while ${STAGE_WORDS[outcome.stage]}. ${sentences.join(' ')}`),
    );
    return;
  }
  const { error, stage } = outcome;
  const sentences = kept
    ? [error.message, adviceFor(error.hint), whereItIs(kept, error)]
    : [error.message, error.hint ?? ''];
  const sentence = [...sentences, ...left].filter(part => part !== '').join(' ');
  services.log.error(`while ${STAGE_WORDS[stage]}: ${sentence}`);
  const next = kept ? { command: 'wakechain.fetch', argument: kept } : again;
  void vscode.window.showErrorMessage(notice(`Wakechain: ${sentence}`), TRY_AGAIN, SHOW_LOG).then(choice => {
    if (choice === SHOW_LOG) services.log.show();
    if (choice === TRY_AGAIN) void vscode.commands.executeCommand(next.command, next.argument);
  });
}

/** The collector's advice is for whoever sits at the host: how to build the trace by hand is done from here. */
const adviceFor = (hint: string | undefined): string =>
  (hint ?? '').replace(/\s*What was (?:recorded|written) is kept: .*$/, '').replace(/^Try again[.;].*$/, '');

/** Codes of the collector that mostly mean: the disk is full. */
const DISK_CODES: ReadonlySet<string> = new Set(['disk_full', 'spool_write', 'database']);

function whereItIs({ host, folder }: KeptRecording, error: Error): string {
  const room = error instanceof CollectorFailure && DISK_CODES.has(error.code);
  const then = room ? 'Make room there, then' : 'When that is mended,';
  return `What was recorded is kept on ${host} in ${folder}. ${then} "${TRY_AGAIN}" fetches it; so does "Wakechain: Fetch Kept Recording" later.`;
}

async function tellCaptured(
  services: CaptureServices,
  host: string,
  outcome: Extract<CaptureOutcome, { kind: 'captured' }>,
  left: readonly string[],
): Promise<void> {
  await services.registry.add(outcome.file);
  await services.open(outcome.file);
  const status = outcome.commandExitStatus ?? 0;
  const ended = status === 0 ? [] : [`The command ended with status ${status}.`];
  const remarks = [...outcome.remarks, ...ended, ...left];
  if (remarks.length === 0) return;
  services.log.warn(`${outcome.file}: ${remarks.join(' ')}`);
  void vscode.window.showWarningMessage(
    notice(`Wakechain: the trace from ${host} is here. ${remarks.join(' ')}`),
  );
}

/** After a fetch: what came, or is not there any more, need not be fetched again. */
export async function settleKept(
  services: CaptureServices,
  recording: KeptRecording,
  outcome: CaptureOutcome,
): Promise<void> {
  const isGone = outcome.kind === 'failed' && outcome.kept === undefined && outcome.stage === 'finish';
  if (outcome.kind === 'captured' || isGone) await forgetKept(services.context.globalState, recording);
}
