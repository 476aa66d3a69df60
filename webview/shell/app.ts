// What every view is given, and what the shell expects of a view.

import type { Client } from '../base/client.ts';
import type { Data } from '../base/data.ts';
import type { Theme } from '../base/theme.ts';
import type { PageMessage, ViewState } from '../protocol.ts';
import type { KeyCommand } from './keys.ts';
import type { Store } from './store.ts';

export interface App {
  readonly client: Client;
  readonly data: Data;
  readonly store: Store;
  readonly theme: () => Theme;
  send(message: PageMessage): void;
  /** Says it to people who hear the page. */
  announce(text: string): void;
}

export interface View {
  readonly element: HTMLElement;
  /** Becomes visible: its size is known from here on. */
  shown?(): void;
  changed?(state: ViewState, before: ViewState): void;
  themed?(): void;
  /** True when it did something with the key. */
  command?(command: KeyCommand): boolean;
}
