// What can go wrong between here and a host, as values: a reason that code can branch on, a sentence for a person
// (what happened) and a hint (what to do). Functions of this room reject with a RemoteError and nothing else.

export type RemoteReason =
  | 'bad_target'
  | 'config'
  | 'unreachable'
  | 'proxy'
  | 'handshake'
  | 'host_key_changed'
  | 'host_key_revoked'
  | 'host_key_not_trusted'
  | 'authentication'
  | 'cancelled'
  | 'connection_lost'
  | 'command'
  /** Asked to end, a program went on. */
  | 'unresponsive'
  | 'sudo_missing'
  | 'sudo_refused'
  | 'transfer'
  | 'no_space'
  | 'hash_mismatch';

export class RemoteError extends Error {
  readonly reason: RemoteReason;
  readonly hint: string | undefined;

  constructor(reason: RemoteReason, message: string, hint?: string) {
    super(message);
    this.name = 'RemoteError';
    this.reason = reason;
    this.hint = hint;
  }
}

export const cancelled = (): RemoteError => new RemoteError('cancelled', 'Cancelled.');

/** Rejects with `cancelled` as soon as the signal is aborted; the promise itself goes on unwatched. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    throw cancelled();
  }
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(cancelled());
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    promise.catch(() => undefined);
    if (abort) signal.removeEventListener('abort', abort);
  }
}
