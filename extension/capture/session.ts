// One capture from connecting to a checked file on this machine, as a sequence of stages that can be cancelled at any
// point. Knows no editor: dialogs and progress come in as functions, so that tests drive the whole of it over a real sshd.
// Whatever is put on the host is written down with what takes it away again before it is put there; at the end,
// however the capture ended, those steps run in reverse, and what they could not remove is named.

import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RemoteError } from '../remote/errors.ts';
import { type RemoteHost, run, script } from '../remote/host.ts';
import type { Prompts } from '../remote/prompts.ts';
import { findRoot, type Root, runAsRoot } from '../remote/root.ts';
import { download } from '../remote/transfer.ts';
import { deploy } from './deploy.ts';
import { askFacts, type HostFacts } from './facts.ts';
import {
  type CheckItem,
  countEvents,
  type FinishedLine,
  type FoundProcess,
  parseCheck,
  parseProcesses,
} from './messages.ts';
import { traceName } from './names.ts';
import { type CapturePlan, captureArguments } from './plan.ts';
import { record } from './record.ts';
import { salvage } from './salvage.ts';

export type Stage = 'connect' | 'upload' | 'check' | 'choose' | 'record' | 'finish' | 'pull' | 'clean';

export interface Progress {
  readonly stage: Stage;
  /** upload, pull: bytes done of bytes in all. */
  readonly bytes?: { readonly done: number; readonly all: number };
  /** record: what has been counted so far. */
  readonly live?: { readonly events: number; readonly eventsPerSecond: number; readonly lost: number };
  /** finish: 0 to 1, where known. */
  readonly share?: number;
}

export interface CaptureRequest {
  connect(signal: AbortSignal): Promise<RemoteHost>;
  /** The collector for a processor: a file of this machine and its size. */
  collector(machine: HostFacts['machine']): Promise<{ readonly file: string; readonly bytes: number }>;
  readonly version: string;
  readonly prompts: Prompts;
  /** What to capture, once it is known what there is. Undefined: the person walked away. */
  choose(found: {
    readonly host: string;
    readonly check: readonly CheckItem[];
    readonly processes: readonly FoundProcess[];
  }): Promise<CapturePlan | undefined>;
  /** Where traces are kept on this machine. */
  readonly directory: string;
  readonly now: Date;
  readonly cancel: AbortSignal;
  readonly stop: AbortSignal;
  report(progress: Progress): void;
  log(text: string): void;
}

export type CaptureOutcome =
  | {
      readonly kind: 'captured';
      readonly host: string;
      readonly file: string;
      readonly sha256: string;
      readonly bytes: number;
      readonly events: number;
      readonly lost: number;
      readonly commandExitStatus: number | undefined;
      /** Sentences that belong beside the trace: what went wrong on the way, and was mended. */
      readonly remarks: readonly string[];
      readonly leftovers: readonly string[];
    }
  | { readonly kind: 'cancelled'; readonly stage: Stage; readonly leftovers: readonly string[] }
  | {
      readonly kind: 'failed';
      readonly stage: Stage;
      readonly error: RemoteError;
      readonly leftovers: readonly string[];
    };

/** Each clean-up step's share of time: the host may be gone. */
const CLEAN_UP_MS = 15_000;

type Undo = (signal: AbortSignal) => Promise<void>;

interface State {
  stage: Stage;
  host: RemoteHost | undefined;
  /** Where the trace is made on the host, once that is settled. */
  remoteFile: string | undefined;
  /** Runs whatever the outcome. */
  readonly always: Undo[];
  /** Runs after a cancel: what otherwise stays for the next time. */
  readonly onCancel: Undo[];
}

/** Never rejects: every end of a capture is a value. */
export async function capture(request: CaptureRequest): Promise<CaptureOutcome> {
  const state: State = { stage: 'connect', host: undefined, remoteFile: undefined, always: [], onCancel: [] };
  try {
    const captured = await stages(request, state);
    const leftovers = await cleanUp(request, state, state.always);
    return { kind: 'captured', ...captured, leftovers };
  } catch (thrown) {
    const stage = state.stage;
    const error = asRemoteError(thrown);
    if (error.reason === 'connection_lost') return lostOnTheWay(error, stage, state);
    const wasCancelled = request.cancel.aborted || error.reason === 'cancelled';
    const undo = wasCancelled ? [...state.onCancel, ...state.always] : state.always;
    const leftovers = await cleanUp(request, state, undo);
    return wasCancelled
      ? { kind: 'cancelled', stage, leftovers }
      : { kind: 'failed', stage, error, leftovers };
  } finally {
    state.host?.dispose();
  }
}

async function stages(
  request: CaptureRequest,
  state: State,
): Promise<Omit<Extract<CaptureOutcome, { kind: 'captured' }>, 'kind' | 'leftovers'>> {
  const enter = (stage: Stage): void => {
    state.stage = stage;
    request.log(`[${stage}]`);
    request.report({ stage });
  };

  enter('connect');
  const host = await request.connect(request.cancel);
  state.host = host;
  const facts = await askFacts(host, request.cancel);
  request.log(`${host.name}: ${facts.machine}, kernel ${facts.kernel}, user ${facts.user}`);

  enter('upload');
  const collector = await putCollector(request, state, host, facts);
  const root = await findRoot(host, facts, [collector, 'version'], request.prompts, request.cancel);

  enter('check');
  const check = await checkHost(host, root, collector, request.cancel);
  const processes = await runAsRoot(host, root, [collector, 'processes', '--json'], request.cancel);

  enter('choose');
  const plan = await request.choose({ host: host.name, check, processes: parseProcesses(processes.stdout) });
  if (plan === undefined || request.cancel.aborted) throw new RemoteError('cancelled', 'Cancelled.');

  enter('record');
  const directory = await privateDirectory(host, root, state, request.cancel);
  const remoteFile = `${directory}/trace.wakechain.db`;
  state.remoteFile = remoteFile;
  const remarks: string[] = [];
  const finished = await follow(
    request,
    host,
    root,
    [collector, ...captureArguments(plan, remoteFile, facts)],
    enter,
  ).catch(async (error: unknown) => {
    if (!(error instanceof RemoteError) || error.reason !== 'command' || request.cancel.aborted) throw error;
    const saved = await salvage(host, root, collector, remoteFile, facts.uid, request.cancel);
    if (saved === undefined) throw error;
    remarks.push(`${error.message} What it had recorded until then was saved.`);
    return saved;
  });

  enter('pull');
  const file = join(request.directory, traceName(host.name, request.now));
  await mkdir(request.directory, { recursive: true, mode: 0o700 });
  await download(host, remoteFile, file, {
    sha256: finished.sha256,
    signal: request.cancel,
    progress: done => request.report({ stage: 'pull', bytes: { done, all: finished.bytes } }),
  });
  await writeFile(`${file}.sha256`, `${finished.sha256}  ${basename(file)}\n`, { mode: 0o600 });

  enter('clean');
  return {
    host: host.name,
    file,
    sha256: finished.sha256,
    bytes: finished.bytes,
    events: countEvents(finished.events),
    lost: finished.lost ?? 0,
    commandExitStatus: finished.exit_status ?? undefined,
    remarks,
  };
}

async function putCollector(
  request: CaptureRequest,
  state: State,
  host: RemoteHost,
  facts: HostFacts,
): Promise<string> {
  const { file, bytes } = await request.collector(facts.machine);
  const { path, uploaded } = await deploy(host, facts, {
    localFile: file,
    version: request.version,
    signal: request.cancel,
    progress: done => request.report({ stage: 'upload', bytes: { done, all: bytes } }),
    undo: step => state.onCancel.push(step),
  });
  request.log(`collector ${uploaded ? 'copied to' : 'found at'} ${path}`);
  return path;
}

/** Rejects when a capture cannot work there, with the first thing in the way. */
export async function checkHost(
  host: RemoteHost,
  root: Root,
  collector: string,
  signal: AbortSignal,
): Promise<CheckItem[]> {
  const { exit, stdout, stderr } = await runAsRoot(host, root, [collector, 'check', '--json'], signal);
  const items = parseCheck(stdout);
  if (exit.code === 0) return items;
  const failed = items.filter(item => item.state === 'fail');
  const [first] = failed;
  if (!first)
    throw new RemoteError(
      'command',
      `The collector does not run on ${host.name}: ${stderr.trim().split('\n').at(-1) || `status ${exit.code}`}.`,
      'The log has the details.',
    );
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : '';
  throw new RemoteError(
    'command',
    `${host.name} cannot be captured on: ${first.message}${more} [${first.code}]`,
    first.hint ?? undefined,
  );
}

async function privateDirectory(
  host: RemoteHost,
  root: Root,
  state: State,
  signal: AbortSignal,
): Promise<string> {
  // The names are ours, not mktemp's: a cancel while it is made must know what to remove. mkdir follows no link and
  // fails on anything that exists. /var/tmp lies on a disk where /tmp may be memory.
  const name = `wakechain-${randomBytes(8).toString('hex')}`;
  const places = [`/var/tmp/${name}`, `/tmp/${name}`];
  state.always.push(async undoSignal => {
    const remove = script('rm -rf "$1" "$2" 2>/dev/null; test ! -e "$1" && test ! -e "$2"', ...places);
    if ((await run(host, remove, undoSignal)).exit.code === 0) return;
    // What root left in it, only root can take away.
    if ((await runAsRoot(host, root, ['rm', '-rf', ...places], undoSignal)).exit.code === 0) return;
    throw new RemoteError('command', `${places.join(' or ')} on ${host.name}`);
  });
  const make = script(
    'umask 077; mkdir "$1" 2>/dev/null && echo "$1" || { mkdir "$2" && echo "$2"; }',
    ...places,
  );
  const { stdout, stderr } = await run(host, make, signal);
  const directory = stdout.trim();
  if (!places.includes(directory))
    throw new RemoteError(
      'no_space',
      `No temporary directory can be made on ${host.name}: ${stderr.trim().split('\n').at(-1) ?? ''}`,
      'Make room in /var/tmp or /tmp there.',
    );
  return directory;
}

async function follow(
  request: CaptureRequest,
  host: RemoteHost,
  root: Root,
  argv: readonly string[],
  enter: (stage: Stage) => void,
): Promise<FinishedLine> {
  let finishing = false;
  let last = { at: Date.now(), events: 0 };
  return record(host, root, argv, {
    stop: request.stop,
    cancel: request.cancel,
    log: request.log,
    onLine: line => {
      if (line.type === 'progress') {
        const events = countEvents(line.events);
        const at = Date.now();
        const eventsPerSecond = Math.round(((events - last.events) * 1000) / Math.max(1, at - last.at));
        last = { at, events };
        request.report({ stage: 'record', live: { events, eventsPerSecond, lost: line.lost ?? 0 } });
      } else if (line.type === 'finalizing') {
        if (!finishing) enter('finish');
        finishing = true;
        request.report({ stage: 'finish', ...(line.share === undefined ? {} : { share: line.share }) });
      }
    },
  });
}

/** Runs the steps in reverse; what could not be taken away comes back as sentences. */
async function cleanUp(request: CaptureRequest, state: State, steps: readonly Undo[]): Promise<string[]> {
  const leftovers: string[] = [];
  for (const step of steps.toReversed()) {
    try {
      await step(AbortSignal.timeout(CLEAN_UP_MS));
    } catch (error) {
      leftovers.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (leftovers.length > 0) request.log(`left on ${state.host?.name}: ${leftovers.join('; ')}`);
  return leftovers;
}

/** Nothing can be cleaned on a host that is gone: say what lies where. */
function lostOnTheWay(error: RemoteError, stage: Stage, { host, remoteFile }: State): CaptureOutcome {
  const recording = stage === 'record' || stage === 'finish';
  const left =
    remoteFile === undefined
      ? []
      : [`${remoteFile} on ${host?.name}${recording ? ', which the collector finishes by itself' : ''}`];
  return { kind: 'failed', stage, error, leftovers: left };
}

const asRemoteError = (thrown: unknown): RemoteError =>
  thrown instanceof RemoteError
    ? thrown
    : new RemoteError('command', thrown instanceof Error ? thrown.message : String(thrown));
