// Runs the collector on a host and follows what it says, from its start to its last line. Stop and cancel are lines on
// its standard input: a login that is not root cannot signal root's process. When our end vanishes, its input ends,
// and it finishes by itself.

import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { cancelled, RemoteError } from '../remote/errors.ts';
import type { Exit, RemoteHost } from '../remote/host.ts';
import { execAsRoot, type Root } from '../remote/root.ts';
import { inBrackets, plain } from '../remote/words.ts';
import { type CollectorLine, type FinishedLine, parseLine } from './messages.ts';

interface RecordOptions {
  /** Ends the recording and keeps it. */
  readonly stop: AbortSignal;
  /** Ends it and leaves nothing. */
  readonly cancel: AbortSignal;
  /** How long the collector may take to end after `cancel`. */
  readonly patienceMs?: number | undefined;
  onLine(line: CollectorLine): void;
  log(text: string): void;
}

/** For a collector to clean up after `cancel`; detaching hundreds of probes takes seconds. */
const CANCEL_PATIENCE_MS = 60_000;

/** What the collector itself said, in its words and with its code. */
export class CollectorFailure extends RemoteError {
  readonly code: string;

  constructor(line: Extract<CollectorLine, { type: 'error' }>, host: RemoteHost) {
    const hint = line.hint === undefined || line.hint === null ? '' : plain(line.hint, MOST_WORDS);
    super(
      'command',
      `${host.name}: ${plain(line.message, MOST_WORDS)} [${plain(line.code, 40)}]`,
      hint === '' ? undefined : hint,
    );
    this.code = line.code;
  }
}

/** The collector's sentences are long where they name paths. */
const MOST_WORDS = 500;

/**
 * Runs `capture` or `finalize`. Rejects with `cancelled` only after the collector has ended, and with `unresponsive` when
 * it has not, long after it was told to.
 */
export async function record(
  host: RemoteHost,
  root: Root,
  argv: readonly string[],
  options: RecordOptions,
): Promise<FinishedLine> {
  if (options.cancel.aborted) throw cancelled();
  const patienceMs = options.patienceMs ?? CANCEL_PATIENCE_MS;
  // Not under the signal: once it was asked for, a collector may start all the same, and then has to be told.
  const starting = execAsRoot(host, root, argv, new AbortController().signal);
  const process = await patiently(starting, options.cancel, patienceMs, host).catch((error: unknown) => {
    starting.then(
      late => {
        late.stdin.end('cancel\n');
        late.close();
      },
      () => undefined,
    );
    throw error;
  });
  const say = (word: 'stop' | 'cancel'): void => {
    options.log(`> ${word}`);
    process.stdin.write(`${word}\n`);
  };
  const onStop = (): void => say('stop');
  const onCancel = (): void => say('cancel');
  if (options.stop.aborted) onStop();
  else options.stop.addEventListener('abort', onStop, { once: true });
  if (options.cancel.aborted) onCancel();
  else options.cancel.addEventListener('abort', onCancel, { once: true });

  let finished: FinishedLine | undefined;
  let failed: RemoteError | undefined;
  let words = '';
  process.stderr.on('data', (chunk: Buffer) => {
    words = `${words}${chunk.toString('utf8')}`.slice(-4000);
    options.log(chunk.toString('utf8').trimEnd());
  });
  createInterface({ input: process.stdout }).on('line', text => {
    const line = parseLine(text);
    if (line === undefined) return options.log(text);
    if (line.type === 'finished') finished = line;
    if (line.type === 'error') failed = new CollectorFailure(line, host);
    options.onLine(line);
  });
  try {
    const exit = await patiently(process.exit, options.cancel, patienceMs, host);
    if (!finished && !failed) await ended(process.stdout);
    if (options.cancel.aborted) throw cancelled();
    if (exit.code === 0 && finished) return finished;
    throw failed ?? diedSilently(exit, words, host);
  } finally {
    options.stop.removeEventListener('abort', onStop);
    options.cancel.removeEventListener('abort', onCancel);
    process.close();
  }
}

/** What was waited for, or an error when it has not come long after `cancel`. */
async function patiently<T>(
  wanted: Promise<T>,
  cancel: AbortSignal,
  ms: number,
  host: RemoteHost,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let start: (() => void) | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    start = () => {
      const error = new RemoteError(
        'unresponsive',
        `The collector on ${host.name} was told to cancel, and has not ended within ${ms / 1000} s.`,
      );
      timer = setTimeout(() => reject(error), ms);
    };
    if (cancel.aborted) start();
    else cancel.addEventListener('abort', start, { once: true });
  });
  try {
    return await Promise.race([wanted, tooLong]);
  } finally {
    clearTimeout(timer);
    if (start) cancel.removeEventListener('abort', start);
  }
}

/** How long the last lines may be on their way after the exit was told. */
const LAST_LINES_MS = 5000;

/**
 * The exit may be told before the last lines arrive. Their end may never come: a command that puts itself into the
 * background holds the streams open.
 */
const ended = (stream: Readable): Promise<void> =>
  new Promise(resolve => {
    if (stream.readableEnded || stream.destroyed) return resolve();
    const timer = setTimeout(resolve, LAST_LINES_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    stream.once('end', done).once('close', done).once('error', done);
  });

function diedSilently(exit: Exit, words: string, host: RemoteHost): RemoteError {
  const how = exit.signal
    ? `was killed by ${exit.signal}`
    : `ended with ${exit.code === undefined ? 'no status' : `status ${exit.code}`}`;
  return new RemoteError(
    'command',
    `The collector on ${host.name} ${how} before the trace was whole${inBrackets(words)}.`,
    'The log has all that it said. "Wakechain: Check Host" tells what the host can do.',
  );
}
