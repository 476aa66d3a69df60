// A real sshd on 127.0.0.1 with its own configuration, host keys and port, and an unprivileged user made for the test.
// Everything it makes is taken away by dispose(): user, home, sudoers file, keys, server.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectOptions } from '../../extension/remote/connect.ts';
import type { Prompts } from '../../extension/remote/prompts.ts';

/** Why there can be no such server here; undefined when there can. */
export const whyNoServer = (): string | undefined => {
  if (process.getuid?.() !== 0) return 'needs root: sshd checks passwords and switches users';
  for (const program of ['/usr/sbin/sshd', '/usr/sbin/useradd', '/usr/bin/ssh-keygen', '/usr/bin/sudo'])
    if (!existsSync(program)) return `${program} is not installed`;
  return undefined;
};

const sh = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

interface TestUser {
  readonly name: string;
  readonly password: string;
  readonly home: string;
  readonly uid: number;
  /** Its key, accepted by the server. */
  readonly keyFile: string;
  /** Likewise, encrypted. */
  readonly encryptedKeyFile: string;
  readonly passphrase: string;
}

export class Sandbox {
  readonly directory: string;
  readonly user: TestUser;
  readonly #servers: ChildProcess[] = [];
  readonly #sudoers: string;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'wakechain-ssh-'));
    chmodSync(this.directory, 0o755);
    const id = randomBytes(3).toString('hex');
    const name = `wakechain-${id}`;
    const home = join(this.directory, 'home');
    this.#sudoers = `/etc/sudoers.d/wakechain-${id}`;
    sh('/usr/sbin/useradd', '--home-dir', home, '--create-home', '--shell', '/bin/bash', name);
    const password = randomBytes(12).toString('hex');
    execFileSync('/usr/sbin/chpasswd', { input: `${name}:${password}\n` });
    const keyFile = join(this.directory, 'key');
    const encryptedKeyFile = join(this.directory, 'encrypted-key');
    const passphrase = randomBytes(8).toString('hex');
    sh('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', keyFile);
    sh('ssh-keygen', '-q', '-t', 'ed25519', '-N', passphrase, '-f', encryptedKeyFile);
    mkdirSync(join(home, '.ssh'), { mode: 0o700 });
    writeFileSync(
      join(home, '.ssh', 'authorized_keys'),
      readFileSync(`${keyFile}.pub`, 'utf8') + readFileSync(`${encryptedKeyFile}.pub`, 'utf8'),
    );
    sh('chown', '-R', `${name}:`, home);
    const uid = Number(sh('id', '-u', name));
    this.user = { name, password, home, uid, keyFile, encryptedKeyFile, passphrase };
  }

  /** What sudo lets the user do. */
  allowSudo(how: 'without password' | 'with password' | 'not at all'): void {
    rmSync(this.#sudoers, { force: true });
    if (how === 'not at all') return;
    const tag = how === 'without password' ? 'NOPASSWD: ' : '';
    writeFileSync(this.#sudoers, `${this.user.name} ALL=(ALL:ALL) ${tag}ALL\n`, { mode: 0o440 });
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** A host key pair; the public line is `type base64`. */
  hostKey(name: string, type: 'ed25519' | 'ecdsa' | 'rsa' = 'ed25519'): { file: string; line: string } {
    const file = this.path(name);
    if (!existsSync(file)) sh('ssh-keygen', '-q', '-t', type, '-N', '', '-C', '', '-f', file);
    return { file, line: readFileSync(`${file}.pub`, 'utf8').trim() };
  }

  /** `varTmpBytes`: the server and its logins see a /var/tmp of their own, of that size. */
  async server(options: {
    hostKeys: readonly string[];
    extra?: readonly string[];
    varTmpBytes?: number;
  }): Promise<SshServer> {
    const port = await freePort();
    mkdirSync('/run/sshd', { recursive: true });
    const config = this.path(`sshd-${port}`);
    const log = this.path(`sshd-${port}.log`);
    writeFileSync(
      config,
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        'PidFile none',
        ...options.hostKeys.map(file => `HostKey ${file}`),
        `AllowUsers ${this.user.name}`,
        'StrictModes no',
        'UsePAM no',
        'LogLevel VERBOSE',
        'MaxStartups 100',
        // The last word wins nothing in sshd: the first does, so these come before the defaults below.
        ...(options.extra ?? []),
        'PubkeyAuthentication yes',
        'PasswordAuthentication yes',
        'KbdInteractiveAuthentication no',
        '',
      ].join('\n'),
    );
    const sshd = ['/usr/sbin/sshd', '-D', '-f', config, '-E', log];
    const mount = `mount -t tmpfs -o mode=1777,size=${options.varTmpBytes} tmpfs /var/tmp && exec "$@"`;
    const [program = '', ...args] =
      options.varTmpBytes === undefined ? sshd : ['unshare', '--mount', 'sh', '-c', mount, 'sh', ...sshd];
    const server = spawn(program, args, { stdio: 'ignore' });
    this.#servers.push(server);
    await reachable(port);
    return {
      port,
      varTmp: `/proc/${server.pid}/root/var/tmp`,
      log: () => readFileSync(log, 'utf8'),
      resizeVarTmp: bytes => {
        const inside = [
          '--target',
          String(server.pid),
          '--mount',
          '--root',
          'mount',
          '-o',
          `remount,size=${bytes}`,
        ];
        sh('nsenter', ...inside, '/var/tmp');
      },
    };
  }

  /** An ssh_config of its own: nothing of the machine's user is read. */
  config(text: string): string {
    const file = this.path(`config-${randomBytes(4).toString('hex')}`);
    writeFileSync(file, `${text}\nHost *\n  GlobalKnownHostsFile /dev/null\n`);
    return file;
  }

  write(name: string, text: string): string {
    const file = this.path(name);
    writeFileSync(file, text);
    return file;
  }

  async dispose(): Promise<void> {
    this.allowSudo('not at all');
    for (const server of this.#servers) server.kill();
    // Logins that are still open keep userdel from its work.
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        sh('pgrep', '-u', this.user.name);
      } catch {
        break;
      }
      if (attempt === 20) spawn('pkill', ['-KILL', '-u', this.user.name]);
      await sleep(100);
    }
    for (const path of globSync('/{var/tmp,tmp}/wakechain-*'))
      if (statSync(path).uid === this.user.uid) rmSync(path, { recursive: true });
    sh('/usr/sbin/userdel', '--force', this.user.name);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface SshServer {
  readonly port: number;
  /** Its /var/tmp, as it is reached from here. */
  readonly varTmp: string;
  log(): string;
  /** For a server with a /var/tmp of its own. */
  resizeVarTmp(bytes: number): void;
}

export const sleep = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms));

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise(done => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function reachable(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const ok = await new Promise<boolean>(done => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        done(true);
      });
      socket.on('error', () => done(false));
    });
    if (ok) return;
    await sleep(50);
  }
  throw new Error(`sshd does not listen on ${port}`);
}

/** Prompts that answer from a list and write down what was asked; a question without an answer ends the connection. */
export function scripted(answers: Partial<Prompts> = {}): { prompts: Prompts; asked: string[] } {
  const asked: string[] = [];
  const prompts: Prompts = {
    trustHostKey: async question => {
      asked.push(`host key ${question.keyType} ${question.fingerprint}`);
      return answers.trustHostKey?.(question);
    },
    passphrase: async question => {
      asked.push(`passphrase${question.again ? ' again' : ''}`);
      return answers.passphrase?.(question);
    },
    password: async question => {
      asked.push(`password${question.again ? ' again' : ''}`);
      return answers.password?.(question);
    },
    answers: async question => {
      asked.push(`answers ${question.prompts.map(({ prompt }) => prompt.trim()).join('|')}`);
      return answers.answers?.(question);
    },
    sudoPassword: async question => {
      asked.push(`sudo${question.again ? ' again' : ''}`);
      return answers.sudoPassword?.(question);
    },
  };
  return { prompts, asked };
}

export function connectOptions(
  sandbox: Sandbox,
  configFile: string,
  prompts: Prompts,
  signal: AbortSignal = AbortSignal.timeout(30_000),
): ConnectOptions {
  return {
    config: { configFile },
    trustFile: sandbox.path('trusted'),
    prompts,
    signal,
    log: () => undefined,
  };
}
