// The messages between the webview and whoever serves it (the editor's webview channel, or the WebSocket of
// `npm run view`), as types only. The page asks with `call`, the host answers with `reply` under the same id; the host
// may also `push`. Nothing is sent before the page has said `ready` and got its `hello`.

import type { Answer, Argument, Method, RowRef, TraceErrorShape } from '../extension/trace/api.ts';
import type { Ns, Span } from '../extension/trace/time.ts';

export const PROTOCOL_VERSION = 1;

export type Tab = 'overview' | 'timeline' | 'flame' | 'causes' | 'sql';

/** The one selection that every tab shares. */
export interface Selection {
  readonly window: Span | undefined;
  /** thread.id */
  readonly thread: number | undefined;
  readonly row: RowRef | undefined;
  /** Cause.id */
  readonly cause: string | undefined;
}

/** What survives hide, reload and restart. */
export interface ViewState {
  readonly tab: Tab;
  /** What the timeline shows. */
  readonly visible: Span | undefined;
  readonly selection: Selection;
}

export type PageMessage =
  | { readonly type: 'ready'; readonly protocol: number }
  | {
      readonly [M in Method]: {
        readonly type: 'call';
        readonly id: number;
        readonly method: M;
        readonly argument: Argument<M>;
      };
    }[Method]
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'state'; readonly state: ViewState }
  | { readonly type: 'openSource'; readonly file: string; readonly line: number | undefined }
  | { readonly type: 'copy'; readonly text: string }
  /** The file is another tool's trace (`failed`, reason 'importable'), and the person wants it imported. */
  | { readonly type: 'import' };

export type HostMessage =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      readonly file: string;
      readonly state: ViewState | undefined;
    }
  | { readonly type: 'failed'; readonly error: TraceErrorShape }
  /** The trace is being made out of another tool's file: rows done, of how many. */
  | { readonly type: 'importing'; readonly done: number; readonly all: number }
  | { readonly type: 'reply'; readonly id: number; readonly ok: Answer<Method> }
  | { readonly type: 'reply'; readonly id: number; readonly error: TraceErrorShape }
  /** Somebody outside (a link, a chat) wants this shown. */
  | { readonly type: 'reveal'; readonly tab: Tab; readonly selection: Selection };

/** Half-open, as `Span`; here so that the page need not know where Ns lives. */
export type { Ns, Span };
