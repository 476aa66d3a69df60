// The recordings that had to stay on their hosts, until they are fetched: kept by the editor over its restarts.

import type { Memento } from 'vscode';
import type { Kept } from './outcome.ts';

export interface KeptRecording extends Kept {
  /** As it was chosen: what to connect to. */
  readonly host: string;
}

const KEY = 'keptRecordings';

export const keptRecordings = (state: Memento): readonly KeptRecording[] =>
  state.get<readonly KeptRecording[]>(KEY, []);

export async function rememberKept(state: Memento, recording: KeptRecording): Promise<void> {
  await state.update(KEY, [recording, ...others(state, recording)]);
}

export async function forgetKept(state: Memento, recording: KeptRecording): Promise<void> {
  await state.update(KEY, others(state, recording));
}

const others = (state: Memento, { host, folder }: KeptRecording): readonly KeptRecording[] =>
  keptRecordings(state).filter(other => other.host !== host || other.folder !== folder);
