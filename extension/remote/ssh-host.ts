// A host over SSH (connect.ts), as the rest sees it: programs with streams.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientChannel } from 'ssh2';
import { type Connection, type ConnectOptions, closeConnection, openConnection } from './connect.ts';
import { cancelled, RemoteError, untilAborted } from './errors.ts';
import { type Exit, endWithin, quote, type RemoteHost, type RemoteProcess } from './host.ts';
import type { Target } from './target.ts';

export async function connectHost(target: Target, options: ConnectOptions): Promise<RemoteHost> {
  return new SshHost(await openConnection(target, options));
}

const LOSS_MS = 100;
/** For a channel to open, and for its program to end, when nobody wants it any more. */
const LATE_MS = 3000;

class SshHost implements RemoteHost {
  readonly name: string;
  readonly closed: Promise<RemoteError | undefined>;
  readonly #connection: Connection;
  #disposed = false;

  constructor(connection: Connection) {
    this.name = connection.settings.alias;
    this.#connection = connection;
    let why: string | undefined;
    connection.client.on('error', error => {
      why = error.message;
    });
    for (const outer of connection.outer) outer.on('error', () => undefined);
    this.closed = new Promise(resolve => {
      connection.client.once('close', () => resolve(this.#disposed ? undefined : this.#lost(why)));
    });
  }

  async exec(argv: readonly string[], signal: AbortSignal): Promise<RemoteProcess> {
    if (signal.aborted) throw cancelled();
    const command = argv.map(quote).join(' ');
    const opened = new Promise<RemoteProcess>((resolve, reject) => {
      try {
        this.#connection.client.exec(command, (error, channel) => {
          if (error) this.#ifLost().then(lost => reject(lost ?? this.#noCommand(error)));
          // At once: the exit of a short command may stand in the same packet, and is told only once.
          else resolve(this.#process(channel));
        });
      } catch (error) {
        reject(this.#lost(error instanceof Error ? error.message : undefined));
      }
    });
    const lost = this.closed.then(error => Promise.reject(error ?? this.#lost('it was closed')));
    const wanted = Promise.race([opened, lost]);
    try {
      return await untilAborted(wanted, signal);
    } catch (error) {
      await this.#settle(wanted);
      throw error;
    }
  }

  /**
   * Cancelled after the request went out: the program may run all the same. What we say about it is to be true, so its
   * end is awaited, though not for long.
   */
  async #settle(wanted: Promise<RemoteProcess>): Promise<void> {
    const opened = wanted.catch(() => undefined);
    const process = await Promise.race([opened, sleep(LATE_MS, undefined, { ref: false })]);
    if (process) {
      process.stdin.end();
      process.stdout.resume();
      process.stderr.resume();
      await endWithin(process, LATE_MS);
    }
    opened.then(late => late?.close());
  }

  #process(channel: ClientChannel): RemoteProcess {
    const ended = new Promise<Exit>(resolve => {
      channel.once('exit', (code: number | null, signal?: string) =>
        resolve({ code: code ?? undefined, signal }),
      );
      channel.once('close', () => resolve({ code: undefined, signal: undefined }));
    });
    const exit = Promise.race([
      ended.then(async result => {
        if (result.code !== undefined || result.signal !== undefined) return result;
        const lost = await this.#ifLost();
        if (lost) throw lost;
        return result;
      }),
      this.closed.then(error => Promise.reject(error ?? this.#lost('it was closed'))),
    ]);
    exit.catch(() => undefined);
    channel.on('error', () => undefined);
    return { stdin: channel, stdout: channel, stderr: channel.stderr, exit, close: () => channel.close() };
  }

  /** A channel that closes or will not open may be the first sign of a lost connection: that is told a moment later. */
  #ifLost(): Promise<RemoteError | undefined> {
    return Promise.race([this.closed, sleep(LOSS_MS, undefined)]);
  }

  dispose(): void {
    this.#disposed = true;
    closeConnection(this.#connection);
  }

  #lost(why: string | undefined): RemoteError {
    return new RemoteError(
      'connection_lost',
      `The connection to ${this.name} was lost${why === undefined ? '' : ` (${why})`}.`,
      'Check the network, then connect again.',
    );
  }

  #noCommand(error: Error): RemoteError {
    return new RemoteError(
      'command',
      `${this.name} runs no command for us: ${error.message}.`,
      'The account needs a login that may run programs, not file transfer or forwarding alone.',
    );
  }
}
