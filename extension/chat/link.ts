// Links into a trace: vscode://wakechain.wakechain/open?trace=...&start=...&end=...&thread=...&cause=...
// Anybody can write one, so each part is checked here, and a link can do one thing: show a place in a trace.

import type { Selection, Tab } from '../../webview/protocol.ts';
import { ns } from '../trace/time.ts';

interface Link {
  /** Absolute path. */
  readonly trace: string;
  readonly tab: Tab;
  readonly selection: Selection;
}

type ParsedLink =
  | { readonly kind: 'link'; readonly link: Link }
  | { readonly kind: 'bad'; readonly message: string };

export function parseLink(path: string, query: string): ParsedLink {
  const bad = (message: string): ParsedLink => ({
    kind: 'bad',
    message: `This link cannot be followed: ${message}.`,
  });
  if (path !== '/open') return bad(`"${path}" is not "/open"`);
  const values = new URLSearchParams(query);
  const trace = values.get('trace') ?? '';
  if (!/^(?:\/|[A-Za-z]:[\\/])/.test(trace) || !trace.endsWith('.wakechain.db') || trace.includes('\0'))
    return bad('"trace" must be the absolute path of a .wakechain.db file');

  const start = integer(values.get('start'));
  const end = integer(values.get('end'));
  const thread = integer(values.get('thread'));
  if (start === 'bad' || end === 'bad' || thread === 'bad')
    return bad('"start", "end" and "thread" must be whole numbers');
  if (
    (start === undefined) !== (end === undefined) ||
    (start !== undefined && end !== undefined && start >= end)
  )
    return bad('"start" and "end" must come together, the start first');
  const cause = values.get('cause') ?? undefined;
  if (cause !== undefined && !/^[\w:.,/-]{1,200}$/.test(cause))
    return bad('"cause" is not the id of a cause');

  const window =
    start === undefined || end === undefined ? undefined : { startNs: ns(start), endNs: ns(end) };
  const tab = cause !== undefined ? 'causes' : window || thread !== undefined ? 'timeline' : 'overview';
  return { kind: 'link', link: { trace, tab, selection: { window, thread, row: undefined, cause } } };
}

function integer(text: string | null): number | undefined | 'bad' {
  if (text === null) return undefined;
  const value = Number(text);
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(value) ? value : 'bad';
}
