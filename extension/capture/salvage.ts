// A collector that died in the middle leaves its spool beside the trace it was to make. What is whole in it is still a
// trace: built here by the same collector, rather than thrown away with the directory.

import { type RemoteHost, run, script } from '../remote/host.ts';
import { type Root, runAsRoot } from '../remote/root.ts';
import { type FinishedLine, parseLine } from './messages.ts';

/** Undefined when there is nothing to save, or nothing can be made of it. */
export async function salvage(
  host: RemoteHost,
  root: Root,
  collector: string,
  remoteFile: string,
  uid: number,
  signal: AbortSignal,
): Promise<FinishedLine | undefined> {
  const spool = `${remoteFile}.spool`;
  if ((await run(host, script('test -s "$1"', spool), signal)).exit.code !== 0) return undefined;
  // The collector never writes over a file: what a cut-short attempt left goes first.
  await runAsRoot(host, root, ['rm', '-f', remoteFile, `${remoteFile}.sha256`], signal);
  const built = await runAsRoot(host, root, [collector, 'finalize', spool, '--output', remoteFile], signal);
  const finished = built.stdout
    .split('\n')
    .map(parseLine)
    .find(line => line?.type === 'finished');
  if (built.exit.code !== 0 || finished === undefined) return undefined;
  const owned = await runAsRoot(host, root, ['chown', String(uid), remoteFile], signal);
  return owned.exit.code === 0 ? finished : undefined;
}
