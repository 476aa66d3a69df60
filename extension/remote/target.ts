// What a person types to name a host: an alias of the SSH configuration, `user@host`, `user@host:port`,
// `user@[2001:db8::1]:port` or an ssh:// link. Names are restricted here, once: they end up in the arguments of `ssh`
// and in ProxyCommand lines, where a leading dash or a shell character would mean something else.

import { RemoteError } from './errors.ts';

export interface Target {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

const TARGET =
  /^(?:ssh:\/\/)?(?:(?<user>[^@\s]+)@)?(?:\[(?<v6>[^\]]+)\]|(?<host>[^@:\s/]+|[0-9A-Fa-f:]+:[0-9A-Fa-f:.%a-z]*))(?::(?<port>\d{1,5}))?\/?$/;
const HOST = /^[A-Za-z0-9_.][A-Za-z0-9_.:%-]*$/;
const USER = /^[A-Za-z0-9_.][A-Za-z0-9_.@\\+-]*\$?$/;

export function parseTarget(text: string): Target {
  const bad = (why: string): RemoteError =>
    new RemoteError(
      'bad_target',
      `"${text}" does not name a host: ${why}.`,
      'Write host, user@host or user@host:port.',
    );
  const groups = TARGET.exec(text.trim())?.groups;
  if (!groups) throw bad('it is not of the form user@host:port');
  const host = groups['v6'] ?? groups['host'] ?? '';
  const user = groups['user'];
  if (!HOST.test(host)) throw bad('a host is letters, digits, dots and dashes, and begins with no dash');
  if (user !== undefined && !USER.test(user)) throw bad('the user has characters that no user name has');
  const port = groups['port'] === undefined ? undefined : Number(groups['port']);
  if (port !== undefined && (port < 1 || port > 65535)) throw bad('a port is a number from 1 to 65535');
  return { host, user, port };
}
