// What every errand on a host begins with: connect, see what the host is, put the collector there, become root.

import { RemoteError } from '../remote/errors.ts';
import type { RemoteHost } from '../remote/host.ts';
import type { Prompts } from '../remote/prompts.ts';
import { findRoot, type Root, runAsRoot } from '../remote/root.ts';
import { inBrackets, plain } from '../remote/words.ts';
import { deploy } from './deploy.ts';
import { askFacts, type HostFacts } from './facts.ts';
import { type CheckItem, parseCheck } from './messages.ts';
import type { Stage } from './outcome.ts';
import type { Undo } from './undo.ts';

export interface Progress {
  readonly stage: Stage;
  /** upload, pull: bytes done of bytes in all. */
  readonly bytes?: { readonly done: number; readonly all: number };
  /** record: what has been counted so far. */
  readonly live?: { readonly events: number; readonly eventsPerSecond: number; readonly lost: number };
  /** finish: 0 to 1, where known. */
  readonly share?: number;
  /** finish: a collector that was left alone is still at work there. */
  readonly waiting?: boolean;
}

/** What an errand needs from whoever sends it. Knows no editor: dialogs and progress come in as functions. */
export interface Errand {
  connect(signal: AbortSignal): Promise<RemoteHost>;
  /** The collector for a processor: a file of this machine and its size. */
  collector(machine: HostFacts['machine']): Promise<{ readonly file: string; readonly bytes: number }>;
  readonly version: string;
  readonly prompts: Prompts;
  /** Where traces are kept on this machine. */
  readonly directory: string;
  readonly cancel: AbortSignal;
  /** How long a collector may take to end after `cancel`; undefined: a minute. */
  readonly patienceMs?: number;
  report(progress: Progress): void;
  log(text: string): void;
}

export interface Ready {
  readonly host: RemoteHost;
  readonly facts: HostFacts;
  readonly root: Root;
  /** Absolute path on the host. */
  readonly collector: string;
}

/** `onCancel` takes away what otherwise stays for the next time. */
export async function prepare(
  errand: Errand,
  host: RemoteHost,
  enter: (stage: Stage) => void,
  onCancel: (step: Undo) => void,
): Promise<Ready> {
  const facts = await askFacts(host, errand.cancel);
  errand.log(`${host.name}: ${facts.machine}, kernel ${facts.kernel}, user ${facts.user}`);

  enter('upload');
  const { file, bytes } = await errand.collector(facts.machine);
  const { path, uploaded } = await deploy(host, facts, {
    localFile: file,
    version: errand.version,
    signal: errand.cancel,
    progress: done => errand.report({ stage: 'upload', bytes: { done, all: bytes } }),
    undo: onCancel,
  });
  errand.log(`collector ${uploaded ? 'copied to' : 'found at'} ${path}`);
  const root = await findRoot(host, facts, [path, 'version'], errand.prompts, errand.cancel);
  return { host, facts, root, collector: path };
}

/** Rejects when a capture cannot work there, with the first thing in the way. */
export async function checkHost({ host, root, collector }: Ready, signal: AbortSignal): Promise<CheckItem[]> {
  const { exit, stdout, stderr } = await runAsRoot(host, root, [collector, 'check', '--json'], signal);
  const items = parseCheck(stdout);
  if (exit.code === 0) return items;
  const failed = items.filter(item => item.state === 'fail');
  const [first] = failed;
  if (!first)
    throw new RemoteError(
      'command',
      `The collector does not run on ${host.name}${inBrackets(stderr) || ` (status ${exit.code ?? 'unknown'})`}.`,
      'The log has the details.',
    );
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : '';
  throw new RemoteError(
    'command',
    `${host.name} cannot be captured on: ${plain(first.message)}${more} [${plain(first.code, 40)}]`,
    first.hint ? plain(first.hint) : undefined,
  );
}
