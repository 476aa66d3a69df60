// The command **Import Trace of Another Tool**, and the button of a page that was opened on such a trace: makes a trace of
// ours in the folder of captures, with progress and Cancel, and opens it.

import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Folder } from '../capture/folder.ts';
import { notice } from '../capture/notice.ts';
import { TraceError, toTraceError } from '../trace/error.ts';
import { freeName, importTrace } from '../trace/import/client.ts';

export interface ImportServices {
  readonly queryProgram: string;
  readonly log: vscode.LogOutputChannel;
  /** Where traces are kept, made where it is missing. */
  folder(): Promise<Folder>;
  open(file: string): Promise<void>;
}

/** `given`: a file's Uri; asked for where it is anything else. */
export async function importCommand(services: ImportServices, given: unknown): Promise<void> {
  const [file] =
    given instanceof vscode.Uri
      ? [given]
      : ((await vscode.window.showOpenDialog({
          title: 'Import Trace of Another Tool',
          openLabel: 'Import',
          filters: { 'SQLite databases (Ingero)': ['db', 'sqlite', 'sqlite3'], 'All files': ['*'] },
        })) ?? []);
  if (file !== undefined) await importFile(services, file.fsPath);
}

/** True when the import was made and is open. What fails is said here. */
export async function importFile(services: ImportServices, file: string): Promise<boolean> {
  const { log } = services;
  const folder = await services.folder();
  if (folder.kind === 'bad') {
    void vscode.window.showErrorMessage(notice(`Wakechain: ${folder.message}`));
    return false;
  }
  const target = freeName(folder.path, file);
  try {
    const { rows } = await withProgress(services, file, target);
    log.info(`Imported ${file} as ${target}: ${rows.events.imported} of ${rows.events.rows} events`);
  } catch (error) {
    const { reason, message, hint } = error instanceof TraceError ? error : toTraceError(error);
    log.warn(`Cannot import ${file}: ${message}`);
    if (reason !== 'cancelled') {
      const sentences = [message, hint].filter(part => part !== undefined).join(' ');
      void vscode.window.showErrorMessage(notice(`Wakechain: ${sentences}`));
    }
    return false;
  }
  await services.open(target);
  return true;
}

function withProgress({ queryProgram }: ImportServices, file: string, target: string) {
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: notice(`Importing ${basename(file)}`),
      cancellable: true,
    },
    (bar, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => stop.abort());
      let told = 0;
      return importTrace(file, target, {
        queryProgram,
        signal: stop.signal,
        progress: ({ done, all }) => {
          const percent = all === 0 ? 100 : Math.floor((100 * done) / all);
          bar.report({
            increment: percent - told,
            message: `${done.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} events`,
          });
          told = percent;
        },
      });
    },
  );
}
