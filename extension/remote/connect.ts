// Connects to a host over SSH: through its jump hosts one inside the other, or its ProxyCommand, or straight. Every hop
// is a connection of its own whose key is checked before anything else happens on it.

import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type Client } from 'ssh2';
import { type Authenticator, authenticator } from './auth.ts';
import { type ConfigSource, readSettings, type SshSettings } from './config.ts';
import { cancelled, RemoteError, untilAborted } from './errors.ts';
import { type HostKeyCheck, hostKeyCheck } from './host-key.ts';
import type { Prompts } from './prompts.ts';
import { spawnProxyCommand } from './proxy-command.ts';
import { parseTarget, type Target } from './target.ts';

export interface ConnectOptions {
  readonly config: ConfigSource;
  /** known_hosts of our own: read beside the user's, written when a person says "remember". */
  readonly trustFile: string;
  readonly prompts: Prompts;
  readonly signal: AbortSignal;
  /** A line for the log: hosts, methods and fingerprints, never a secret. */
  log(line: string): void;
}

/** A connection, and those that it runs inside, outermost first. */
export interface Connection {
  readonly client: Client;
  readonly outer: readonly Client[];
  readonly settings: SshSettings;
}

const MAX_HOPS = 8;
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVE_MISSES = 3;

export async function openConnection(target: Target, options: ConnectOptions): Promise<Connection> {
  return openThrough(target, undefined, options, 0);
}

/** `jumps`: the way that the caller has chosen; undefined: what the host's own configuration says. */
async function openThrough(
  target: Target,
  jumps: readonly Target[] | undefined,
  options: ConnectOptions,
  depth: number,
): Promise<Connection> {
  if (depth > MAX_HOPS)
    throw new RemoteError(
      'config',
      `More than ${MAX_HOPS} jump hosts lead to ${target.host}: ProxyJump may go in a circle.`,
      'Look at ProxyJump in ~/.ssh/config.',
    );
  const settings = await readSettings(target, options.config, options.signal);
  const way = jumps ?? parseJumps(settings.proxyJump);
  const nearest = way.at(-1);
  if (nearest === undefined) {
    const socket = await openSocket(settings, options);
    const client = await handshake(settings, socket.stream, options, socket.lastWords);
    return { client, outer: [], settings };
  }
  const before = way.slice(0, -1);
  const jump = await openThrough(nearest, before.length > 0 ? before : undefined, options, depth + 1);
  try {
    const stream = await forward(jump, settings, options.signal);
    const client = await handshake(settings, stream, options, noWords);
    return { client, outer: [...jump.outer, jump.client], settings };
  } catch (error) {
    closeConnection(jump);
    throw error;
  }
}

export function closeConnection({ client, outer }: Connection): void {
  for (const one of [client, ...outer.toReversed()]) {
    one.on('error', () => undefined);
    one.end();
  }
}

const parseJumps = (proxyJump: string | undefined): Target[] =>
  proxyJump === undefined ? [] : proxyJump.split(',').map(parseTarget);

interface OpenSocket {
  readonly stream: Duplex;
  lastWords(): Promise<string>;
}

async function openSocket(settings: SshSettings, options: ConnectOptions): Promise<OpenSocket> {
  if (settings.proxyCommand !== undefined) {
    options.log(`${settings.alias}: through its ProxyCommand`);
    return spawnProxyCommand(settings.proxyCommand, settings);
  }
  options.log(`${settings.alias}: connecting to ${settings.hostName} port ${settings.port}`);
  const socket = connectTcp({
    host: settings.hostName,
    port: settings.port,
    noDelay: true,
    timeout: settings.connectTimeoutMs,
  });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve();
    });
    socket.once('timeout', () =>
      reject(unreachable(settings, `no answer within ${settings.connectTimeoutMs / 1000} s`)),
    );
    socket.once('error', error => reject(unreachable(settings, error.message)));
  });
  try {
    await untilAborted(connected, options.signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return { stream: socket, lastWords: noWords };
}

const unreachable = (settings: SshSettings, why: string): RemoteError =>
  new RemoteError(
    'unreachable',
    `${settings.hostName} port ${settings.port} cannot be reached: ${why}.`,
    'Check the name, the port, and that the host is up and reachable from this machine.',
  );

async function forward(jump: Connection, to: SshSettings, signal: AbortSignal): Promise<Duplex> {
  const opened = new Promise<Duplex>((resolve, reject) => {
    jump.client.forwardOut('127.0.0.1', 0, to.hostName, to.port, (error, channel) => {
      if (error)
        reject(
          new RemoteError(
            'proxy',
            `The jump host ${jump.settings.alias} cannot reach ${to.hostName} port ${to.port}: ${error.message}.`,
            `Check that ${jump.settings.alias} allows TCP forwarding and knows that host.`,
          ),
        );
      else resolve(channel);
    });
  });
  return untilAborted(opened, signal);
}

const noWords = async (): Promise<string> => '';

/** The SSH part over an open stream: key exchange, host key, authentication. */
async function handshake(
  settings: SshSettings,
  stream: Duplex,
  options: ConnectOptions,
  lastWords: () => Promise<string>,
): Promise<Client> {
  const check = await hostKeyCheck(settings, options.trustFile, options.prompts);
  const auth = await authenticator(settings, options.prompts);
  const client = new ssh2.Client();
  try {
    await untilAborted(negotiate(client, settings, stream, check, auth, options, lastWords), options.signal);
    options.log(`${settings.alias}: connected as ${settings.user}`);
    return client;
  } catch (error) {
    client.on('error', () => undefined);
    client.destroy();
    stream.destroy();
    throw error;
  }
}

function negotiate(
  client: Client,
  settings: SshSettings,
  stream: Duplex,
  check: HostKeyCheck,
  auth: Authenticator,
  options: ConnectOptions,
  lastWords: () => Promise<string>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let trusted: Buffer | undefined;
    let refusal: RemoteError | undefined;
    // Covers the key exchange alone: afterwards a person may be thinking about a fingerprint or a password.
    const timer = setTimeout(
      () => reject(unreachable(settings, 'it does not answer as an SSH server in time')),
      settings.connectTimeoutMs,
    );
    const fail = (message: string, level?: string): void => {
      clearTimeout(timer);
      if (refusal) reject(refusal);
      else if (trusted && (auth.asking() || lostLevels.has(level)))
        reject(lost(settings, message, auth.asking()));
      else if (trusted) reject(auth.failure());
      else
        lastWords().then(
          words => reject(new RemoteError('handshake', describe(settings, message, words))),
          reject,
        );
    };
    client.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
    client.on('error', error => {
      // A failing agent is one method less, not the end.
      const level = 'level' in error ? String(error.level) : undefined;
      if (level !== 'agent') fail(error.message, level);
    });
    client.once('close', () => fail('the host closed the connection'));
    // A ProxyCommand may be over before ssh2 has looked at its stream.
    if (stream.destroyed) return fail('the connection ended at once');
    client.connect({
      sock: stream,
      username: settings.user,
      readyTimeout: 0,
      keepaliveInterval: KEEP_ALIVE_MS,
      keepaliveCountMax: KEEP_ALIVE_MISSES,
      algorithms: { serverHostKey: check.algorithms },
      authHandler: auth.handler,
      hostVerifier: (key: Buffer, verified: (valid: boolean) => void) => {
        clearTimeout(timer);
        // Asked again whenever keys are renewed: the same key needs no second answer.
        if (trusted?.equals(key)) return verified(true);
        check.verify(key).then(
          () => {
            trusted = Buffer.from(key);
            verified(true);
          },
          error => {
            refusal = error instanceof RemoteError ? error : new RemoteError('handshake', String(error));
            verified(false);
          },
        );
      },
    });
    options.signal.addEventListener('abort', () => reject(cancelled()), { once: true });
  });
}

/** Errors of ssh2 that say that the way is broken, not that somebody is not let in. */
const lostLevels: ReadonlySet<string | undefined> = new Set(['client-socket', 'client-timeout']);

const lost = (settings: SshSettings, message: string, whileAsking: boolean): RemoteError =>
  new RemoteError(
    'connection_lost',
    `The connection to ${settings.alias} ended before ${settings.user} was let in: ${message}.`,
    whileAsking
      ? 'Hosts wait two minutes for a login as a rule (LoginGraceTime of their sshd). Try again, and answer sooner.'
      : 'Check the network and the host, and try again.',
  );

const describe = (settings: SshSettings, message: string, words: string): string =>
  `No SSH connection to ${settings.alias} (${settings.hostName} port ${settings.port}): ${message}${words === '' ? '' : ` (${words})`}.`;
