// Every message from the page is checked before anything acts on it: the page shows a stranger's names, and if one of
// them ever ran as code, this is where it would knock. What does not fit is refused with what was wrong.

import type { PageMessage, Selection, Tab, ViewState } from '../../webview/protocol.ts';
import type { Method, RowRef } from '../trace/api.ts';
import { ns, type Span } from '../trace/time.ts';

type Checked<T> = { readonly ok: T } | { readonly problem: string };

type Test = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Test>>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isNumber = (value: unknown): boolean =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;
const isText =
  (most: number) =>
  (value: unknown): value is string =>
    typeof value === 'string' && value.length <= most;
const optional =
  (test: Test): Test =>
  value =>
    value === undefined || value === null || test(value);
const oneOf =
  (...values: readonly string[]): Test =>
  value =>
    typeof value === 'string' && values.includes(value);
const shaped =
  (fields: Fields): Test =>
  value =>
    isObject(value) &&
    Object.keys(value).every(key => key in fields) &&
    Object.entries(fields).every(([key, test]) => test(value[key]));

const TABS: readonly Tab[] = ['overview', 'timeline', 'flame', 'causes', 'sql'];
const isSpan = (value: unknown): value is Span =>
  isObject(value) &&
  isCount(value['startNs']) &&
  isCount(value['endNs']) &&
  value['startNs'] <= value['endNs'];
const isRow: Test = value =>
  isObject(value) &&
  (value['table'] === 'cpu_slice'
    ? isCount(value['cpu']) && isCount(value['startNs'])
    : oneOf(
        'cuda_call',
        'off_cpu',
        'cpu_sample',
        'block_io',
        'memory_stall',
        'tcp_retransmit',
        'instant',
      )(value['table']) && isCount(value['id']));
const isTrack: Test = value => typeof value === 'string' && /^(cuda|off_cpu|cpu):\d{1,15}$/.test(value);

const scope: Fields = { window: optional(isSpan), pid: optional(isCount) };
const nothing: Test = value =>
  value === undefined || value === null || (isObject(value) && Object.keys(value).length === 0);

/** One test a method: a method that is added to the contract without one does not compile. */
const ARGUMENTS: Readonly<Record<Method, Test>> = {
  summary: nothing,
  check: nothing,
  schema: nothing,
  tracks: nothing,
  claims: nothing,
  stats: shaped(scope),
  causes: shaped({ ...scope, floorUs: optional(isCount), limit: optional(isCount) }),
  explain: value =>
    shaped({ call: isCount })(value) ||
    shaped({ worst: shaped(scope) })(value) ||
    shaped({ thread: isCount, window: isSpan })(value),
  offCpu: shaped({
    ...scope,
    minDurationNs: optional(isCount),
    reason: optional(isText(100)),
    limit: optional(isCount),
  }),
  sql: shaped({ query: isText(100_000), limit: optional(isCount) }),
  slices: shaped({
    tracks: value => Array.isArray(value) && value.length <= 5000 && value.every(isTrack),
    window: isSpan,
    resolutionNs: isNumber,
  }),
  flame: shaped({
    ...scope,
    kind: oneOf('cuda', 'off_cpu'),
    thread: optional(isCount),
    function: optional(isText(1000)),
    reason: optional(isText(100)),
  }),
  row: isRow,
};

const isSelection: Test = value =>
  isObject(value) &&
  optional(isSpan)(value['window']) &&
  optional(isCount)(value['thread']) &&
  optional(isRow)(value['row']) &&
  optional(isText(1000))(value['cause']);

const isState: Test = value =>
  isObject(value) &&
  oneOf(...TABS)(value['tab']) &&
  optional(isSpan)(value['visible']) &&
  isSelection(value['selection']);

const MESSAGES: Readonly<
  Record<PageMessage['type'], (message: Readonly<Record<string, unknown>>) => boolean>
> = {
  ready: message => isCount(message['protocol']),
  call: message =>
    isCount(message['id']) &&
    typeof message['method'] === 'string' &&
    Object.hasOwn(ARGUMENTS, message['method']) &&
    ARGUMENTS[message['method'] as Method](message['argument']),
  cancel: message => isCount(message['id']),
  state: message => isState(message['state']),
  openSource: message => isText(4096)(message['file']) && optional(isCount)(message['line']),
  copy: message => isText(10_000_000)(message['text']),
  import: () => true,
};

export function checkPageMessage(value: unknown): Checked<PageMessage> {
  if (!isObject(value) || typeof value['type'] !== 'string' || !Object.hasOwn(MESSAGES, value['type'])) {
    return { problem: 'not a message of this protocol' };
  }
  const type = value['type'] as PageMessage['type'];
  if (!MESSAGES[type](value)) {
    const method =
      type === 'call' && typeof value['method'] === 'string' ? ` ${value['method'].slice(0, 40)}` : '';
    return { problem: `a "${type}"${method} message whose fields do not fit` };
  }
  return { ok: value as unknown as PageMessage };
}

/** State that was kept somewhere and may be old, or undefined. JSON has turned `undefined` into absent or null. */
export function checkViewState(value: unknown): ViewState | undefined {
  if (!isState(value)) return undefined;
  const state = value as ViewState;
  return { tab: state.tab, visible: spanOf(state.visible), selection: selectionOf(state.selection) };
}

const spanOf = (span: Span | null | undefined): Span | undefined =>
  span ? { startNs: ns(span.startNs), endNs: ns(span.endNs) } : undefined;

const selectionOf = (selection: Selection): Selection => ({
  window: spanOf(selection.window),
  thread: selection.thread ?? undefined,
  row: (selection.row as RowRef | null) ?? undefined,
  cause: selection.cause ?? undefined,
});
