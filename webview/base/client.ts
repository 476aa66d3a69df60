// Questions to the trace, typed by its contract: `call` sends one, and settles with the reply of the same id. An
// aborted call rejects at once and tells the host, so that a stale answer is neither drawn nor computed to its end.

import type {
  Answer,
  Argument,
  Method,
  TraceErrorReason,
  TraceErrorShape,
} from '../../extension/trace/api.ts';
import type { HostMessage, PageMessage } from '../protocol.ts';

/** What to tell a person of something caught. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class CallError extends Error {
  readonly reason: TraceErrorReason;
  readonly hint: string | undefined;

  constructor(error: TraceErrorShape) {
    super(error.message);
    this.reason = error.reason;
    this.hint = error.hint;
  }
}

interface Waiting {
  resolve(answer: Answer<Method>): void;
  reject(error: Error): void;
}

export class Client {
  readonly #send: (message: PageMessage) => void;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(send: (message: PageMessage) => void) {
    this.#send = send;
  }

  call<M extends Method>(method: M, argument: Argument<M>, signal?: AbortSignal): Promise<Answer<M>> {
    this.#last += 1;
    const id = this.#last;
    return new Promise<Answer<M>>((resolve, reject) => {
      const cancelled = (): void => {
        this.#waiting.delete(id);
        this.#send({ type: 'cancel', id });
        reject(new CallError({ reason: 'cancelled', message: 'The question was withdrawn.' }));
      };
      if (signal?.aborted) return cancelled();
      signal?.addEventListener('abort', cancelled, { once: true });
      const settle = (): void => signal?.removeEventListener('abort', cancelled);
      this.#waiting.set(id, {
        resolve: answer => {
          settle();
          resolve(answer as Answer<M>);
        },
        reject: error => {
          settle();
          reject(error);
        },
      });
      // A method and its argument fit together by the signature; the union cannot see that for a generic M.
      this.#send({ type: 'call', id, method, argument } as PageMessage);
    });
  }

  receive(reply: Extract<HostMessage, { type: 'reply' }>): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting.reject(new CallError(reply.error));
    else waiting.resolve(reply.ok);
  }

  /** The host is gone: nobody will answer. */
  close(message: string): void {
    for (const waiting of this.#waiting.values())
      waiting.reject(new CallError({ reason: 'cancelled', message }));
    this.#waiting.clear();
  }
}
