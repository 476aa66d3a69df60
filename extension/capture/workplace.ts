// The folder on the host in which one recording is made: private (0700), under a name of ours that no other process has.
// In it lie, at their time, the spool while recording, the trace once it is built, and the trace's hash beside it.

import { randomBytes } from 'node:crypto';
import { RemoteError } from '../remote/errors.ts';
import { type RemoteHost, run, script } from '../remote/host.ts';
import { type Root, runAsRoot } from '../remote/root.ts';
import { inBrackets, lastLine } from '../remote/words.ts';
import type { Undo } from './undo.ts';

const TRACE = 'trace.wakechain.db';
export const traceIn = (folder: string): string => `${folder}/${TRACE}`;
export const spoolIn = (folder: string): string => `${traceIn(folder)}.spool`;

/** /var/tmp lies on a disk where /tmp may be memory. */
const PLACES = ['/var/tmp', '/tmp'];
const FOLDER = /^\/(?:var\/)?tmp\/wakechain-[0-9a-f]{16}$/;

/** Whether a folder may be one of ours: what is removed as root is looked at twice. */
export const isWorkplace = (folder: string): boolean => FOLDER.test(folder);

/**
 * The names are ours, not mktemp's: a cancel while it is made must know what to remove. mkdir follows no link and fails
 * on anything that exists.
 */
export const newWorkplaces = (): readonly string[] => {
  const name = `wakechain-${randomBytes(8).toString('hex')}`;
  return PLACES.map(place => `${place}/${name}`);
};

/** Makes the first of the places that can be made. */
export async function makeWorkplace(
  host: RemoteHost,
  places: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const make = 'umask 077; for place in "$@"; do mkdir "$place" && echo "$place" && exit; done; exit 1';
  const { stdout, stderr } = await run(host, script(make, ...places), signal);
  const folder = stdout.trim();
  if (!places.includes(folder))
    throw new RemoteError(
      'no_space',
      `No temporary folder can be made on ${host.name}${inBrackets(stderr)}.`,
      `Make room, and let this user write, in ${PLACES.join(' or ')} there.`,
    );
  return folder;
}

export const removeWorkplaces = (host: RemoteHost, root: Root, places: readonly string[]): Undo => ({
  what: `${places.join(' or ')} on ${host.name}`,
  run: async signal => {
    const remove = 'rm -rf "$@" 2>/dev/null; for place in "$@"; do test ! -e "$place" || exit 1; done';
    if ((await run(host, script(remove, ...places), signal)).exit.code === 0) return;
    // What root left in it, only root can take away.
    const { exit, stderr } = await runAsRoot(host, root, ['rm', '-rf', ...places], signal);
    if (exit.code !== 0) throw new RemoteError('command', lastLine(stderr));
  },
});

/** `trace`: whole, with its hash; `spool`: what a trace can be built from. */
export async function lookInto(
  host: RemoteHost,
  folder: string,
  signal: AbortSignal,
): Promise<'trace' | 'spool' | 'nothing'> {
  const look =
    'if test -s "$1" && test -s "$1.sha256"; then echo trace; elif test -s "$2"; then echo spool; fi';
  const { stdout } = await run(host, script(look, traceIn(folder), spoolIn(folder)), signal);
  const found = stdout.trim();
  return found === 'trace' || found === 'spool' ? found : 'nothing';
}

/** What a cut-short attempt at building left: the collector never writes over a file. The folder is ours, and so is this. */
export async function removeHalfBuilt(host: RemoteHost, folder: string, signal: AbortSignal): Promise<void> {
  const remove = 'rm -f "$1" "$1.sha256" "$2"/.*.partial "$2"/.*.partial.sha256 "$2"/.*.partial-*';
  await run(host, script(remove, traceIn(folder), folder), signal);
}

/** Finds the processes that were started for this folder, and not the one that looks for them. */
const pattern = (folder: string): string => folder.replace(/.$/, last => `[${last}]`);

/** Whether a collector still works in it. */
export async function isWorkedIn(
  host: RemoteHost,
  root: Root,
  folder: string,
  signal: AbortSignal,
): Promise<boolean> {
  const look = script('grep -q -s -e "$1" /proc/[0-9]*/cmdline', pattern(folder));
  if ((await run(host, look, signal)).exit.code === 0) return true;
  // With hidepid, only root sees root's processes.
  return (await runAsRoot(host, root, look, signal)).exit.code === 0;
}

/** The last resort: SIGKILL for whatever works there, and for the command that it had started. */
export const endWork = (host: RemoteHost, root: Root, folder: string): Undo => ({
  what: `the collector on ${host.name}, which may still be recording (in a terminal there: sudo pkill -KILL -f '${pattern(folder)}')`,
  run: async signal => {
    const end = `for file in $(grep -l -s -e "$1" /proc/[0-9]*/cmdline); do process=\${file%/cmdline}; for child in $(cat "$process"/task/*/children); do kill -s KILL -- "-$child"; done; kill -s KILL "\${process#/proc/}"; done 2>/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do grep -q -s -e "$1" /proc/[0-9]*/cmdline || exit 0; sleep 1; done; exit 1`;
    const { exit, stderr } = await runAsRoot(host, root, script(end, pattern(folder)), signal);
    if (exit.code !== 0) throw new RemoteError('command', lastLine(stderr));
  },
});
