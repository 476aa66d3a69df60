// Copies one file to or from a host over a plain command, so that no SFTP service is needed, and believes no copy before
// its SHA-256 was compared: an upload on the host, before the file gets its name; a download here, likewise.

import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { cancelled, RemoteError, untilAborted } from './errors.ts';
import { collect, endWithin, type RemoteHost, type RemoteProcess, run, script } from './host.ts';

export interface TransferOptions {
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
    if (exit.code !== 0) throw copyFailed(`copy the collector to ${host.name}`, await words);
  } catch (error) {
    // It sees a file cut short, removes it, and ends: only then is nothing left.
    process.stdin.end();
    await endWithin(process, PATIENCE_MS);
    if (options.signal.aborted) throw cancelled();
    throw error instanceof RemoteError
      ? error
      : copyFailed(`copy the collector to ${host.name}`, String(error));
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

/** Fetches a file; `localFile` appears whole and checked, or not at all. */
export async function download(
  host: RemoteHost,
  path: string,
  localFile: string,
  options: TransferOptions,
): Promise<void> {
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
  try {
    const encoding = await firstLine(process.stdout);
    const copying = pipeline([
      process.stdout,
      ...(encoding === 'gzip' ? [createGunzip()] : []),
      counter(options, hash),
      createWriteStream(partial, { mode: 0o600 }),
    ]);
    await copied(copying, options.signal);
    const exit = await process.exit;
    if (exit.code !== 0) throw copyFailed(`copy the trace from ${host.name}`, await words);
    const got = hash.digest('hex');
    if (got !== options.sha256)
      throw new RemoteError(
        'hash_mismatch',
        `The trace that arrived from ${host.name} has SHA-256 ${got}, but ${options.sha256} was recorded; it was discarded.`,
        'Capture again. If it happens again, look at the disks of both machines.',
      );
    await rename(partial, localFile);
  } catch (error) {
    process.close();
    process.stdout.destroy();
    await rm(partial, { force: true });
    if (options.signal.aborted) throw cancelled();
    if (error instanceof RemoteError) throw error;
    const exit = await process.exit;
    const said = exit.code === 0 || exit.code === undefined ? '' : await words;
    throw copyFailed(`copy the trace from ${host.name}`, said === '' ? String(error) : said);
  }
}

/**
 * Not the pipeline's own signal: it waits until every stream has closed, and a channel of ssh2 closes only when the other
 * side has.
 */
const copied = (copying: Promise<void>, signal: AbortSignal): Promise<void> => untilAborted(copying, signal);

function counter({ progress }: TransferOptions, hash?: Hash): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash?.update(chunk);
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

function copyFailed(what: string, words: string): RemoteError {
  const why = words.trim().split('\n').at(-1) ?? '';
  return /no space left|ENOSPC|quota/i.test(why)
    ? new RemoteError(
        'no_space',
        `Could not ${what}: the disk is full (${why}).`,
        'Make room, then try again.',
      )
    : new RemoteError(
        'transfer',
        `Could not ${what}: ${why || 'the transfer broke off'}.`,
        'Try again; the log has the details.',
      );
}
