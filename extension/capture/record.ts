// Runs the collector on a host and follows what it says, from its start to its last line. Stop and cancel are lines on
// its standard input: a login that is not root cannot signal root's process. When our end vanishes, its input ends,
// and it finishes by itself.

import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { cancelled, RemoteError } from '../remote/errors.ts';
import type { Exit, RemoteHost } from '../remote/host.ts';
import { execAsRoot, type Root } from '../remote/root.ts';
import { type CollectorLine, type FinishedLine, parseLine } from './messages.ts';

export interface RecordOptions {
  /** Ends the recording and keeps it. */
  readonly stop: AbortSignal;
  /** Ends it and leaves nothing. */
  readonly cancel: AbortSignal;
  onLine(line: CollectorLine): void;
  log(text: string): void;
}

/** How long a collector may take to clean up after `cancel`; detaching hundreds of probes takes seconds. */
const CANCEL_PATIENCE_MS = 60_000;

/** Rejects with `cancelled` only after the collector has ended, or when it would not. */
export async function record(
  host: RemoteHost,
  root: Root,
  argv: readonly string[],
  options: RecordOptions,
): Promise<FinishedLine> {
  const process = await execAsRoot(host, root, argv, options.cancel);
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
    if (line.type === 'error') failed = collectorError(line, host);
    options.onLine(line);
  });
  try {
    const exit = await patiently(process.exit, options.cancel);
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

/** The exit, or an error when it has not come long after `cancel`. */
async function patiently(exit: Promise<Exit>, cancel: AbortSignal): Promise<Exit> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let start: (() => void) | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    start = () => {
      const error = new RemoteError('command', 'The collector does not answer to "cancel".');
      timer = setTimeout(() => reject(error), CANCEL_PATIENCE_MS);
    };
    if (cancel.aborted) start();
    else cancel.addEventListener('abort', start, { once: true });
  });
  try {
    return await Promise.race([exit, tooLong]);
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

/** A failure in the collector's own words; its code goes first, so that it can be looked up. */
const collectorError = (line: Extract<CollectorLine, { type: 'error' }>, host: RemoteHost): RemoteError =>
  new RemoteError('command', `${host.name}: ${line.message} [${line.code}]`, line.hint ?? undefined);

function diedSilently(exit: Exit, words: string, host: RemoteHost): RemoteError {
  const how = exit.signal ? `was killed by ${exit.signal}` : `ended with status ${exit.code ?? 'unknown'}`;
  const last = words.trim().split('\n').at(-1) ?? '';
  return new RemoteError(
    'command',
    `The collector on ${host.name} ${how} before the trace was whole${last === '' ? '' : ` (${last})`}.`,
    'The log has all that it said. "Wakechain: Check Host" tells what the host can do.',
  );
}
