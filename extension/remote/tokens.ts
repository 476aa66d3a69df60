// The percent tokens and `~` of ssh_config(5), which `ssh -G` leaves as they are.

import { createHash } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { RemoteError } from './errors.ts';

interface TokenValues {
  /** As typed: the alias. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
}

/** `%h` and the like; an unknown token is an error, as in OpenSSH, not a character. */
export function expandTokens(text: string, values: TokenValues): string {
  return text.replace(/%(.)/g, (whole, letter: string) => {
    switch (letter) {
      case '%':
        return '%';
      case 'h':
        return values.hostName;
      case 'p':
        return String(values.port);
      case 'r':
        return values.user;
      case 'n':
      case 'k':
        return values.alias;
      case 'd':
        return homedir();
      case 'u':
        return userInfo().username;
      case 'i':
        return String(userInfo().uid);
      case 'l':
        return hostname();
      case 'L':
        return hostname().split('.')[0] ?? '';
      case 'C':
        return createHash('sha1')
          .update(hostname() + values.hostName + values.port + values.user)
          .digest('hex');
      default:
        throw new RemoteError(
          'config',
          `The SSH configuration of ${values.alias} uses the token ${whole}, which is not known here.`,
          'Write the value itself in ~/.ssh/config.',
        );
    }
  });
}

/** A path of the configuration: `~`, `${VARIABLE}` and tokens replaced. */
export function expandPath(path: string, values: TokenValues): string {
  const home = path.replace(/^~(?=\/|$)/, homedir());
  const variables = home.replace(/\$\{(\w+)\}/g, (_, name: string) => process.env[name] ?? '');
  return expandTokens(variables, values);
}
