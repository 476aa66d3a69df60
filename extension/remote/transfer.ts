// Copies one file to or from a host over a plain command, so that no SFTP service is needed, and believes no copy before
// its SHA-256 was compared: an upload on the host, before the file gets its name; a download here, likewise.

import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { cancelled, RemoteError, untilAborted } from './errors.ts';
import { collect, endWithin, type RemoteHost, type RemoteProcess, run, script } from './host.ts';
import { lastLine } from './words.ts';

interface TransferOptions {
  /** Lower-case hex; what the file must have. */
  readonly sha256: string;
  readonly signal: AbortSignal;
  progress(bytes: number): void;
}

const HASH_DIFFERS = 9;

/** Whether the host has this very file. */
export async function hasFile(
  host: RemoteHost,
  path: string,
  sha256: string,
  signal: AbortSignal,
): Promise<boolean> {
  const check = script('test -f "$1" && test -O "$1" && sha256sum <"$1"', path);
  const { exit, stdout } = await run(host, check, signal);
  return exit.code === 0 && stdout.startsWith(`${sha256} `);
}

/** Puts a file on the host as `path`, mode 0700, in a directory that exists. `partial` is its name until it is whole. */
export async function upload(
  host: RemoteHost,
  localFile: string,
  path: string,
  partial: string,
  options: TransferOptions,
): Promise<void> {
  const receive = script(
    `umask 077; cat >"$2" && sum=$(sha256sum <"$2") || { rm -f "$2"; exit 8; }; test "\${sum%% *}" = "$3" || { rm -f "$2"; exit ${HASH_DIFFERS}; }; chmod 700 "$2" && mv -f "$2" "$1"`,
    path,
    partial,
    options.sha256,
  );
  const process = await host.exec(receive, options.signal);
  const words = collect(process.stderr);
  words.catch(() => undefined);
  process.stdout.resume();
  try {
    await send(localFile, process, options);
    const exit = await untilAborted(process.exit, options.signal);
    if (exit.code === HASH_DIFFERS)
      throw new RemoteError(
        'hash_mismatch',
        `The copy of the collector on ${host.name} is not what was sent; it was not run.`,
        'Try again. If it happens again, look at the disk of the host.',
      );
    if (exit.code !== 0)
      throw copyFailed(
        `copy the collector to ${host.name}`,
        await untilAborted(words, options.signal),
        host.name,
      );
  } catch (error) {
    // It sees a file cut short, removes it, and ends: only then is nothing left.
    process.stdin.end();
    await endWithin(process, PATIENCE_MS);
    if (options.signal.aborted) throw cancelled();
    throw error instanceof RemoteError
      ? error
      : copyFailed(`copy the collector to ${host.name}`, String(error), 'this machine');
  } finally {
    process.close();
  }
}

const PATIENCE_MS = 10_000;

/** Writes the file to a process, and the end of it, unless the process ends first: its exit says why. */
async function send(localFile: string, process: RemoteProcess, options: TransferOptions): Promise<void> {
  let ended = false;
  const end = process.exit.then(() => {
    ended = true;
  });
  end.catch(() => undefined);
  process.stdin.on('error', () => undefined);
  let bytes = 0;
  for await (const chunk of createReadStream(localFile)) {
    if (options.signal.aborted) throw cancelled();
    if (ended) return;
    bytes += chunk.length;
    options.progress(bytes);
    if (!process.stdin.write(chunk))
      await untilAborted(Promise.race([drained(process.stdin), end]), options.signal);
  }
  process.stdin.end();
}

/** Room for more. A pipe that breaks instead is told by the end of the process. */
const drained = (stream: Writable): Promise<void> =>
  new Promise(resolve => stream.once('drain', () => resolve()));

export interface DownloadOptions extends TransferOptions {
  /** What the host says that the file has: more is not taken, less is not believed. */
  readonly bytes: number;
}

/** Fetches a file; `localFile` appears whole and checked, or not at all. */
export async function download(
  host: RemoteHost,
  path: string,
  localFile: string,
  options: DownloadOptions,
): Promise<void> {
  await needRoom(dirname(localFile), options.bytes);
  const partial = `${localFile}.part`;
  // gzip where the host has it: traces shrink to a fifth or so.
  const send = script(
    'if command -v gzip >/dev/null; then echo gzip; exec gzip -1 -c "$1"; else echo plain; exec cat "$1"; fi',
    path,
  );
  const process = await host.exec(send, options.signal);
  process.stdin.end();
  const words = collect(process.stderr);
  words.catch(() => undefined);
  const hash = createHash('sha256');
  const soon = <T>(promise: Promise<T>): Promise<T> => untilAborted(promise, options.signal);
  const file = createWriteStream(partial, { mode: 0o600 });
  try {
    const encoding = await soon(firstLine(process.stdout));
    // Not the pipeline's own signal: it waits until every stream has closed, and a channel of ssh2 closes only when the
    // other side has.
    await soon(
      pipeline([
        process.stdout,
        ...(encoding === 'gzip' ? [createGunzip()] : []),
        counter(options, host, hash),
        file,
      ]),
    );
    const exit = await soon(process.exit);
    if (exit.code !== 0) throw copyFailed(`copy the trace from ${host.name}`, await soon(words), host.name);
    if (file.bytesWritten !== options.bytes) throw sizeDiffers(host, options.bytes, file.bytesWritten);
    const got = hash.digest('hex');
    if (got !== options.sha256)
      throw new RemoteError(
        'hash_mismatch',
        `The trace that arrived from ${host.name} has SHA-256 ${got}, but ${options.sha256} was recorded; what arrived was discarded.`,
        'Try again. If it happens again, look at the disks of both machines.',
      );
    await rename(partial, localFile);
  } catch (error) {
    // A host that has ended its sending is about to say why: closing it now would take the words from its mouth.
    const isLeaving = process.stdout.readableEnded && !(error instanceof RemoteError);
    const told = isLeaving ? await why(error, process, words, host, options.signal) : undefined;
    process.close();
    process.stdout.destroy();
    await closed(file);
    await rm(partial, { force: true });
    if (options.signal.aborted) throw cancelled();
    if (error instanceof RemoteError) throw error;
    throw told ?? (await why(error, process, words, host, options.signal));
  }
}

/** A file that is still being opened would appear after it was removed. */
const closed = (file: WriteStream): Promise<void> =>
  new Promise(resolve => {
    if (file.closed) return resolve();
    file.on('error', () => undefined).once('close', resolve);
    file.destroy();
  });

/** What the host said, where it ended with a reason; a host that says nothing more is not waited for. */
async function why(
  error: unknown,
  process: RemoteProcess,
  words: Promise<string>,
  host: RemoteHost,
  signal: AbortSignal,
): Promise<RemoteError> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const told = untilAborted(
    process.exit.then(async ({ code }) => (code === 0 || code === undefined ? '' : words)),
    patience,
  );
  const said = await told.catch((reason: unknown) => {
    // A lost connection is the reason for a copy that broke off.
    if (reason instanceof RemoteError && reason.reason === 'connection_lost') return reason;
    return '';
  });
  if (said instanceof RemoteError) return said;
  const what = `copy the trace from ${host.name}`;
  return said === '' ? copyFailed(what, String(error), 'this machine') : copyFailed(what, said, host.name);
}

/** Where the file system says how much is free, a file that does not fit is not begun. */
async function needRoom(folder: string, bytes: number): Promise<void> {
  const found = await statfs(folder).catch(() => undefined);
  const free = found === undefined ? Number.POSITIVE_INFINITY : found.bavail * found.bsize;
  if (bytes > free)
    throw new RemoteError(
      'no_space',
      `The trace has ${megabytes(bytes)}, but only ${megabytes(free)} are free in ${folder} on this machine.`,
      'Make room there, or choose another folder in the setting wakechain.captureDirectory.',
    );
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const sizeDiffers = (host: RemoteHost, expected: number, got: number): RemoteError =>
  new RemoteError(
    'transfer',
    `The trace that arrived from ${host.name} has ${got > expected ? 'more than the' : `${got} of the`} ${expected} bytes that were announced; what arrived was discarded.`,
    'Try again. If it happens again, look at the disk of the host.',
  );

/** Counts what passes, and ends the copy when it is more than was announced: a disk is not filled by a lie. */
function counter({ progress, bytes: expected }: DownloadOptions, host: RemoteHost, hash: Hash): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > expected) return done(sizeDiffers(host, expected, bytes));
      hash.update(chunk);
      progress(bytes);
      done(undefined, chunk);
    },
  });
}

/** Reads up to the first newline and leaves the rest in the stream. */
async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let line = Buffer.alloc(0);
  for (;;) {
    const chunk = stream.read();
    if (chunk === null) {
      const more = await new Promise<boolean>((resolve, reject) => {
        const done = (result: boolean): void => {
          stream.off('readable', ready).off('end', end).off('error', reject);
          resolve(result);
        };
        const ready = (): void => done(true);
        const end = (): void => done(false);
        stream.on('readable', ready).on('end', end).on('error', reject);
      });
      if (!more) throw new Error('the host sent nothing');
      continue;
    }
    line = Buffer.concat([line, Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)]);
    const newline = line.indexOf(0x0a);
    if (newline >= 0) {
      stream.unshift(line.subarray(newline + 1));
      return line.toString('utf8', 0, newline);
    }
    if (line.length > 1000) throw new Error('the host sent something else than the file');
  }
}

function copyFailed(what: string, words: string, where: string): RemoteError {
  const reason = lastLine(words).replace(/\.$/, '');
  return /no space left|ENOSPC|quota/i.test(reason)
    ? new RemoteError(
        'no_space',
        `Could not ${what}: the disk of ${where} is full (${reason}).`,
        'Make room there, then try again.',
      )
    : new RemoteError(
        'transfer',
        `Could not ${what}: ${reason || 'the transfer broke off'}.`,
        'Try again; the log has the details.',
      );
}
