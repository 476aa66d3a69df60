// Brings a finished trace here, under a name that is free, with its hash beside it.

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RemoteError } from '../remote/errors.ts';
import type { RemoteHost } from '../remote/host.ts';
import { download } from '../remote/transfer.ts';
import type { FinishedLine } from './messages.ts';
import { traceName } from './names.ts';
import type { Errand } from './prepare.ts';

export async function pull(
  request: Errand,
  host: RemoteHost,
  remoteFile: string,
  time: Date,
  { sha256, bytes }: FinishedLine,
): Promise<string> {
  await onThisMachine(request.directory, () => mkdir(request.directory, { recursive: true, mode: 0o700 }));
  const file = freeName(request.directory, host.name, time);
  await download(host, remoteFile, file, {
    sha256,
    bytes,
    signal: request.cancel,
    progress: done => request.report({ stage: 'pull', bytes: { done, all: bytes } }),
  });
  await onThisMachine(request.directory, () =>
    writeFile(`${file}.sha256`, `${sha256}  ${basename(file)}\n`, { mode: 0o600 }),
  );
  return file;
}

/** Two captures of one second are two traces: the later is named after the next second that is free. */
function freeName(directory: string, host: string, time: Date): string {
  for (let at = time.getTime(); ; at += 1000) {
    const file = join(directory, traceName(host, new Date(at)));
    if (!existsSync(file) && !existsSync(`${file}.part`)) return file;
  }
}

async function onThisMachine(directory: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RemoteError(
      'transfer',
      `The trace cannot be kept in ${directory} on this machine (${why}).`,
      'Choose another folder in the setting wakechain.captureDirectory.',
    );
  }
}
