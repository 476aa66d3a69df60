// One page talking to one trace, whoever carries the messages: the editor's webview channel or the WebSocket of
// `npm run view`. Answers `ready` with `hello`, each `call` with one `reply`, and a trace that cannot be opened with
// `failed` and its sentence. Knows no vscode.

import type { HostMessage, PageMessage, ViewState } from '../../webview/protocol.ts';
import type { Answer, Method, Trace, TraceErrorShape } from '../trace/api.ts';
import { checkPageMessage, checkViewState } from './messages.ts';

/** The `PROTOCOL_VERSION` of webview/protocol.ts, which is types only on this side of the wall. */
const PROTOCOL = 1;

export interface Host {
  readonly file: string;
  readonly trace: Promise<Trace>;
  send(message: HostMessage): void;
  state(): ViewState | undefined;
  keep(state: ViewState): void;
  openSource(file: string, line: number | undefined): void;
  copy(text: string): void;
  /** Imports the file, which is another tool's trace. */
  import(): void;
  log(line: string): void;
}

export class Session {
  readonly #host: Host;
  readonly #open = new Map<number, AbortController>();
  #ready = false;
  #whenReady: HostMessage[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  receive(value: unknown): void {
    const checked = checkPageMessage(value);
    if ('problem' in checked) {
      this.#host.log(`Refused from the page: ${checked.problem}.`);
      this.#answerRefused(value, checked.problem);
      return;
    }
    this.#handle(checked.ok);
  }

  /** Sends now, or as soon as the page has said that it listens. */
  push(message: HostMessage): void {
    if (this.#ready) this.#host.send(message);
    else this.#whenReady.push(message);
  }

  close(): void {
    for (const stop of this.#open.values()) stop.abort();
    this.#open.clear();
  }

  #handle(message: PageMessage): void {
    switch (message.type) {
      case 'ready':
        this.#hello(message.protocol);
        return;
      case 'call':
        this.#call(message);
        return;
      case 'cancel':
        this.#open.get(message.id)?.abort();
        this.#open.delete(message.id);
        return;
      case 'state': {
        const state = checkViewState(message.state);
        if (state !== undefined) this.#host.keep(state);
        return;
      }
      case 'openSource':
        this.#host.openSource(message.file, message.line ?? undefined);
        return;
      case 'copy':
        this.#host.copy(message.text);
        return;
      case 'import':
        this.#host.import();
        return;
    }
  }

  #hello(protocol: number): void {
    if (protocol !== PROTOCOL) {
      this.#host.send({
        type: 'failed',
        error: {
          reason: 'internal',
          message: `This page speaks version ${protocol} of the viewer's protocol, its host version ${PROTOCOL}.`,
          hint: 'Close the trace and open it again; if that does not help, reload the window.',
        },
      });
      return;
    }
    this.close();
    const { file } = this.#host;
    this.#host.send({ type: 'hello', protocol: PROTOCOL, file, state: this.#host.state() });
    this.#ready = true;
    for (const message of this.#whenReady.splice(0)) this.#host.send(message);
    this.#host.trace.catch(error => this.#host.send({ type: 'failed', error: shapeOf(error) }));
  }

  #call(message: Extract<PageMessage, { type: 'call' }>): void {
    const { id } = message;
    const stop = new AbortController();
    this.#open.set(id, stop);
    // A method and its argument were checked together; the union cannot say so to a generic call.
    const method: Method = message.method;
    this.#host.trace
      .then(trace => trace.call(method, message.argument as never, stop.signal))
      .then(
        (ok: Answer<Method>) => this.#reply(id, { type: 'reply', id, ok }),
        error => this.#reply(id, { type: 'reply', id, error: shapeOf(error) }),
      );
  }

  #reply(id: number, message: HostMessage): void {
    if (this.#open.delete(id)) this.#host.send(message);
  }

  /** A call that does not fit still gets its answer, so that the page does not wait for ever. */
  #answerRefused(value: unknown, problem: string): void {
    const id = (value as { readonly id?: unknown } | null | undefined)?.id;
    if (typeof id !== 'number' || !Number.isSafeInteger(id)) return;
    this.#host.send({
      type: 'reply',
      id,
      error: {
        reason: 'bad_query',
        message: `The viewer asked something the trace cannot answer: ${problem}.`,
      },
    });
  }
}

/** What a person is told. An error that is not a trace's own is a defect, and says so. */
export function shapeOf(error: unknown): TraceErrorShape {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') {
    const { reason, message } = error as Error & TraceErrorShape;
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
    return hint === undefined ? { reason, message } : { reason, message, hint };
  }
  return {
    reason: 'internal',
    message: `The viewer failed: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'This is a defect of Wakechain. The log has the details; please report it.',
  };
}
