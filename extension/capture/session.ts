// One errand on a host as a sequence of stages that can be cancelled at any point: a capture from connecting to a checked
// file on this machine, the fetching of a recording that had to stay there, a check. Knows no editor, so that tests drive
// the whole of it over a real sshd.
// Whatever is put on the host is written down with what takes it away again before it is put there (undo.ts). One thing
// is not taken away: what was recorded and could not be brought here. It stays until it is fetched, and the outcome says
// where it is; only a cancel gives it up.

import { RemoteError } from '../remote/errors.ts';
import type { RemoteHost } from '../remote/host.ts';
import { runAsRoot } from '../remote/root.ts';
import { inBrackets } from '../remote/words.ts';
import { buildTrace, recordOrSalvage } from './build.ts';
import {
  type CheckItem,
  countEvents,
  type FinishedLine,
  type FoundProcess,
  parseCheck,
  parseProcesses,
} from './messages.ts';
import type { Captured, CaptureOutcome, Kept, Stage } from './outcome.ts';
import { type CapturePlan, captureArguments } from './plan.ts';
import { checkHost, type Errand, prepare, type Ready } from './prepare.ts';
import { pull } from './pull.ts';
import { type Undo, undo } from './undo.ts';
import {
  endWork,
  isWorkedIn,
  isWorkplace,
  lookInto,
  makeWorkplace,
  newWorkplaces,
  removeWorkplaces,
  traceIn,
} from './workplace.ts';

export interface CaptureRequest extends Errand {
  /** What to capture, once it is known what there is. Undefined: the person walked away. */
  choose(found: {
    readonly host: string;
    readonly check: readonly CheckItem[];
    readonly processes: readonly FoundProcess[];
  }): Promise<CapturePlan | undefined>;
  readonly now: Date;
  /** Ends the recording and keeps it. */
  readonly stop: AbortSignal;
}

interface State {
  stage: Stage;
  host: RemoteHost | undefined;
  ready: Ready | undefined;
  /** The folder of a recording that has begun, or was kept before. */
  recording: Kept | undefined;
  /** A cancel gives the recording up. */
  readonly givesUp: boolean;
  /** Runs whatever the outcome, unless the recording is kept. */
  readonly always: Undo[];
  /** Runs after a cancel. */
  readonly onCancel: Undo[];
}

/** Never rejects: every end of a capture is a value. */
export const capture = (request: CaptureRequest): Promise<CaptureOutcome> =>
  errand(request, true, async (ready, state, enter) => {
    const { host, root, facts, collector } = ready;
    enter('check');
    const check = await checkHost(ready, request.cancel);
    const processes = await cudaProcesses(ready, request.cancel);

    enter('choose');
    const plan = await request.choose({ host: host.name, check, processes });
    if (plan === undefined || request.cancel.aborted) throw new RemoteError('cancelled', 'Cancelled.');

    enter('record');
    const places = newWorkplaces();
    state.always.push(removeWorkplaces(host, root, places));
    const folder = await makeWorkplace(host, places, request.cancel);
    const kept: Kept = { folder, time: request.now.toISOString() };
    state.recording = kept;
    const remarks: string[] = [];
    const finished = await recordOrSalvage(
      {
        ...request,
        enter,
        remark: sentence => remarks.push(sentence),
        nothingThere: () => {
          state.recording = undefined;
        },
      },
      ready,
      folder,
      [collector, ...captureArguments(plan, traceIn(folder), facts)],
    );
    return fetched(request, ready, kept, finished, remarks, enter);
  });

/** Brings a recording here that had to stay on its host; builds the trace there first where that is not done yet. */
export const fetchKept = (request: Errand, kept: Kept): Promise<CaptureOutcome> =>
  errand(request, false, async (ready, state, enter) => {
    const { host, root } = ready;
    const { folder } = kept;
    if (!isWorkplace(folder)) throw new RemoteError('command', `${folder} is no folder of Wakechain's.`);
    state.recording = kept;

    enter('finish');
    while (await isWorkedIn(host, root, folder, request.cancel)) {
      request.report({ stage: 'finish', waiting: true });
      await pause(request.cancel);
    }
    const found = await lookInto(host, folder, request.cancel);
    if (found === 'nothing') {
      state.recording = undefined;
      throw new RemoteError(
        'command',
        `Nothing is left of the recording in ${folder} on ${host.name}.`,
        'Somebody has removed it, or the host was set up anew. Capture again.',
      );
    }
    const finished = await buildTrace({ ...request, enter }, ready, folder, found);
    state.always.push(removeWorkplaces(host, root, [folder]));
    return fetched(request, ready, kept, finished, [], enter);
  });

type CheckOutcome =
  | { readonly kind: 'checked'; readonly items: readonly CheckItem[] }
  | Exclude<CaptureOutcome, { kind: 'captured' }>;

/** What the host can do, item by item, also where that is not enough; nothing is recorded. */
export const checkOn = (request: Errand): Promise<CheckOutcome> =>
  errand(request, true, async ({ host, root, collector }, _state, enter) => {
    enter('check');
    const said = await runAsRoot(host, root, [collector, 'check', '--json'], request.cancel);
    const items = parseCheck(said.stdout);
    if (items.length === 0)
      throw new RemoteError(
        'command',
        `The collector does not run on ${host.name}${inBrackets(said.stderr)}.`,
        'The log has all that it said.',
      );
    return { kind: 'checked', items };
  });

type Enter = (stage: Stage) => void;

/** What is the same around every errand: connecting, and ending well however it ends. */
async function errand<T extends object>(
  request: Errand,
  givesUp: boolean,
  work: (ready: Ready, state: State, enter: Enter) => Promise<T>,
): Promise<(T & { readonly leftovers: readonly string[] }) | Exclude<CaptureOutcome, { kind: 'captured' }>> {
  const state: State = {
    stage: 'connect',
    host: undefined,
    ready: undefined,
    recording: undefined,
    givesUp,
    always: [],
    onCancel: [],
  };
  const enter: Enter = stage => {
    state.stage = stage;
    request.log(`[${stage}]`);
    request.report({ stage });
  };
  try {
    enter('connect');
    const host = await request.connect(request.cancel);
    state.host = host;
    state.ready = await prepare(request, host, enter, step => state.onCancel.push(step));
    const result = await work(state.ready, state, enter);
    enter('clean');
    return { ...result, leftovers: await undo(state.always) };
  } catch (thrown) {
    return await failed(request, asRemoteError(thrown), state);
  } finally {
    state.host?.dispose();
  }
}

async function failed(
  request: Errand,
  error: RemoteError,
  state: State,
): Promise<Exclude<CaptureOutcome, { kind: 'captured' }>> {
  const { stage } = state;
  // Nothing can be cleaned on a host that is gone: what lies there can be fetched when it is back.
  if (error.reason === 'connection_lost')
    return { kind: 'failed', stage, error, kept: state.recording, leftovers: [] };
  const wasCancelled = request.cancel.aborted || error.reason === 'cancelled';
  const kept = wasCancelled && state.givesUp ? undefined : await keep(request, state);
  const steps = [...(wasCancelled ? state.onCancel : []), ...(kept ? [] : state.always)];
  if (error.reason === 'unresponsive' && state.ready && state.recording) {
    request.log(error.message);
    steps.push(endWork(state.ready.host, state.ready.root, state.recording.folder));
  }
  const leftovers = await undo(steps);
  if (leftovers.length > 0) request.log(`left: ${leftovers.join('; ')}`);
  return wasCancelled
    ? { kind: 'cancelled', stage, kept, leftovers }
    : { kind: 'failed', stage, error, kept, leftovers };
}

/** How long to look whether anything was recorded. */
const LOOK_MS = 15_000;

/** The recording, where there is one, or where that cannot be told. */
async function keep(request: Errand, { ready, recording }: State): Promise<Kept | undefined> {
  if (!ready || !recording) return undefined;
  try {
    const found = await lookInto(ready.host, recording.folder, AbortSignal.timeout(LOOK_MS));
    return found === 'nothing' ? undefined : recording;
  } catch (error) {
    request.log(`what lies in ${recording.folder} cannot be told: ${String(error)}`);
    return recording;
  }
}

async function cudaProcesses({ host, root, collector }: Ready, signal: AbortSignal): Promise<FoundProcess[]> {
  const { exit, stdout, stderr } = await runAsRoot(host, root, [collector, 'processes', '--json'], signal);
  if (exit.code !== 0)
    throw new RemoteError(
      'command',
      `The processes of ${host.name} that use CUDA cannot be listed${inBrackets(stderr)}.`,
      'The log has all that the collector said.',
    );
  return parseProcesses(stdout);
}

async function fetched(
  request: Errand,
  { host }: Ready,
  kept: Kept,
  finished: FinishedLine,
  remarks: readonly string[],
  enter: Enter,
): Promise<Captured & { readonly kind: 'captured' }> {
  enter('pull');
  const file = await pull(request, host, traceIn(kept.folder), new Date(kept.time), finished);
  return {
    kind: 'captured',
    host: host.name,
    file,
    sha256: finished.sha256,
    bytes: finished.bytes,
    events: finished.events === undefined ? undefined : countEvents(finished.events),
    lost: finished.lost,
    commandExitStatus: finished.exit_status ?? undefined,
    remarks,
  };
}

const POLL_MS = 1000;

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, POLL_MS);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(new RemoteError('cancelled', 'Cancelled.'));
      },
      { once: true },
    );
  });

const asRemoteError = (thrown: unknown): RemoteError =>
  thrown instanceof RemoteError
    ? thrown
    : new RemoteError('command', thrown instanceof Error ? thrown.message : String(thrown));
