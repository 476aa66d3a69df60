// One query process as its parent sees it: requests in a queue, one under way, a deadline for it, and a new process
// when one had to be killed. What is asked next does not notice.

import { type ChildProcess, fork } from 'node:child_process';
import type { TraceErrorReason } from '../api.ts';
import { TraceError } from '../error.ts';
import type { ImportProgress } from '../import/progress.ts';
import { type Limits, OUT_OF_MEMORY, type Reply, type Request } from './messages.ts';

/** How long a call that nobody waits for any more may go on before its process is ended for it. */
const ABANDONED_MS = 1_000;
/** A process that has not opened its trace after this will not: no deadline of a call runs before. */
const START_MS = 30_000;

/** What a person looks at: goes before numbers that were asked for earlier. */
const PICTURES: ReadonlySet<Request['method']> = new Set([
  'ready',
  'load',
  'summary',
  'tracks',
  'slices',
  'row',
]);

interface Pending {
  readonly request: Request;
  resolve(value: unknown): void;
  readonly progress: ((progress: ImportProgress) => void) | undefined;
  reject(error: TraceError): void;
  /** Nobody waits for the answer. */
  abandoned: boolean;
}

type Asked = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

export interface ChildOptions extends Limits {
  /** The query process's program: dist/query.js, or main.ts. */
  readonly queryProgram: string;
  /** Opened first in every new process; undefined for a process that only glances. */
  readonly path: string | undefined;
}

export class QueryChild {
  readonly #options: ChildOptions;
  readonly #queue: Pending[] = [];
  #process: ChildProcess | undefined;
  #current: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;
  #closed = false;
  /** Why the process is being killed, to tell whoever waits. */
  #verdict: TraceErrorReason | undefined;
  #complaint = '';
  /** The process has opened its trace. */
  #ready = false;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  call(asked: Asked, signal?: AbortSignal, progress?: (progress: ImportProgress) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closed());
      if (signal?.aborted === true) return reject(cancelled());
      const request = { ...asked, id: this.#nextId++ } as Request;
      const onAbort = () => this.#abandon(pending);
      const settle = () => signal?.removeEventListener('abort', onAbort);
      const pending: Pending = {
        request,
        progress,
        abandoned: false,
        resolve: value => {
          settle();
          resolve(value);
        },
        reject: error => {
          settle();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(pending);
      this.#next();
    });
  }

  /** Ends the process; calls under way are rejected. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const pending of this.#queue.splice(0)) pending.reject(closed());
    this.#current?.reject(closed());
    this.#current = undefined;
    clearTimeout(this.#timer);
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const picture = this.#queue.findIndex(({ request }) => PICTURES.has(request.method));
    const [pending] = this.#queue.splice(Math.max(0, picture), 1);
    if (pending === undefined) return;
    this.#current = pending;
    const child = this.#start();
    this.#startDeadline();
    child.send(pending.request, error => {
      // A process that is going away says so by its exit.
      if (error !== null) child.kill('SIGKILL');
    });
  }

  #start(): ChildProcess {
    if (this.#process !== undefined) return this.#process;
    const { queryProgram, path, deadlineMs, residentBytes } = this.#options;
    const limits: Limits = { deadlineMs, residentBytes };
    const child = fork(queryProgram, [JSON.stringify(limits)], {
      serialization: 'advanced',
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      execArgv: queryProgram.endsWith('.ts') ? ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'] : [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process = child;
    this.#verdict = undefined;
    this.#complaint = '';
    this.#ready = false;
    child.stderr?.on('data', (text: Buffer) => {
      this.#complaint = `${this.#complaint}${text.toString('utf8')}`.slice(-2_000);
    });
    child.on('message', (reply: Reply) => {
      if (this.#process === child) this.#settle(reply);
    });
    child.on('error', () => {});
    child.on('close', () => this.#gone(child));
    const first: Request =
      path === undefined
        ? { id: 0, method: 'ready', argument: undefined }
        : { id: 0, method: 'open', argument: path };
    child.send(first, () => {});
    return child;
  }

  #settle(reply: Reply): void {
    // A process that is being killed has nothing to say any more, whatever it got out in time.
    if (this.#verdict !== undefined) return;
    const pending = this.#current;
    if (reply.id === 0 && 'ok' in reply) {
      this.#ready = true;
      if (pending?.abandoned === false) this.#startDeadline();
      return;
    }
    // The trace did not open: that is the answer to whatever waits, and the next call tries again.
    if (reply.id === 0) this.#dismiss();
    if (pending === undefined || (reply.id !== 0 && reply.id !== pending.request.id)) return;
    if ('progress' in reply) {
      if (!pending.abandoned) pending.progress?.(reply.progress);
      return;
    }
    clearTimeout(this.#timer);
    this.#current = undefined;
    if ('error' in reply) pending.reject(TraceError.from(reply.error));
    else pending.resolve(reply.ok);
    this.#next();
  }

  #abandon(pending: Pending): void {
    pending.abandoned = true;
    pending.reject(cancelled());
    const queued = this.#queue.indexOf(pending);
    if (queued >= 0) this.#queue.splice(queued, 1);
    else if (this.#current === pending) this.#deadline(ABANDONED_MS, 'cancelled');
  }

  #startDeadline(): void {
    if (this.#ready) this.#deadline(this.#options.deadlineMs, 'deadline');
    else this.#deadline(START_MS, 'internal');
  }

  #deadline(ms: number, verdict: TraceErrorReason): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#verdict = verdict;
      this.#process?.kill('SIGKILL');
    }, ms);
    this.#timer.unref();
  }

  /** Ends the process without a word to anyone. */
  #dismiss(): void {
    this.#process?.kill('SIGKILL');
    this.#process = undefined;
  }

  /** The process has ended: whoever waited is told why, and the next call gets a new one. */
  #gone(child: ChildProcess): void {
    if (this.#process !== child) return;
    this.#process = undefined;
    clearTimeout(this.#timer);
    const pending = this.#current;
    this.#current = undefined;
    pending?.reject(this.#reasonGone(child));
    if (this.#closed) return;
    // After a kill of ours the next process is ready before it is needed; one that fails by itself is not tried again
    // until somebody asks.
    if (this.#killedForCause()) this.#start();
    this.#next();
  }

  #killedForCause(): boolean {
    return this.#verdict !== undefined || this.#complaint.includes(OUT_OF_MEMORY);
  }

  #reasonGone(child: ChildProcess): TraceError {
    const { deadlineMs, residentBytes } = this.#options;
    if (this.#verdict === 'cancelled') return cancelled();
    if (this.#verdict === 'deadline') {
      return new TraceError(
        'deadline',
        `It took longer than ${deadlineMs / 1000} s and was stopped.`,
        'Narrow the window, or ask for less in one query.',
      );
    }
    if (this.#verdict === 'internal') {
      return new TraceError('internal', `The query process did not start within ${START_MS / 1000} s.`);
    }
    if (this.#complaint.includes(OUT_OF_MEMORY)) {
      return new TraceError(
        'memory',
        `It needed more than ${Math.round(residentBytes / 2 ** 20)} MB of memory and was stopped.`,
        'Narrow the window, or aggregate instead of sorting or joining everything.',
      );
    }
    const how = child.signalCode ?? `exit status ${child.exitCode}`;
    const said = this.#complaint.trim().split('\n').at(-1) ?? '';
    return new TraceError(
      'internal',
      `The query process ended unexpectedly (${how})${said === '' ? '' : `: ${said}`}.`,
    );
  }
}

const cancelled = () => new TraceError('cancelled', 'Cancelled.');
const closed = () => new TraceError('cancelled', 'The trace was closed.');
