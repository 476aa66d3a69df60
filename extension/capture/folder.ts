// Where captured traces are kept on this machine: the setting wakechain.captureDirectory, or the extension's own storage.

import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';

export const FOLDER_SETTING = 'wakechain.captureDirectory';

export type Folder =
  | { readonly kind: 'folder'; readonly path: string }
  /** A sentence that names the setting. */
  | { readonly kind: 'bad'; readonly message: string };

/** Absolute paths as they are, `~` is the home folder, relative paths begin at the first folder of the workspace. */
export function chosenFolder(
  setting: string,
  places: {
    readonly home: string;
    readonly workspace: string | undefined;
    /** Where traces are kept when nothing is chosen. */
    readonly storage: string;
  },
): Folder {
  const chosen = setting.trim();
  if (chosen === '') return { kind: 'folder', path: places.storage };
  if (/^~(?=[/\\]|$)/.test(chosen)) return { kind: 'folder', path: join(places.home, chosen.slice(1)) };
  if (chosen.startsWith('~'))
    return bad(`"${chosen}" begins with the home of another user. Write an absolute path, or ~/FOLDER.`);
  if (isAbsolute(chosen)) return { kind: 'folder', path: normalize(chosen) };
  if (places.workspace === undefined)
    return bad(
      `"${chosen}" is relative to the first folder of the workspace, and none is open. Write an absolute path, or ~/FOLDER.`,
    );
  return { kind: 'folder', path: join(places.workspace, chosen) };
}

/** Makes the folder where it is missing; a sentence when nothing can be written there. */
export async function readyFolder(folder: Folder): Promise<Folder> {
  if (folder.kind === 'bad') return folder;
  try {
    await mkdir(folder.path, { recursive: true, mode: 0o700 });
    await access(folder.path, constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return bad(`no trace can be written to ${folder.path} (${why}). Choose a folder that you may write to.`);
  }
}

const bad = (why: string): Folder => ({ kind: 'bad', message: `The setting ${FOLDER_SETTING}: ${why}` });
