// Who is let in, and whom we talk to: host keys, keys, agent, passwords, jump hosts, against a real sshd.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { RemoteError, type RemoteReason } from '../../extension/remote/errors.ts';
import { run, script } from '../../extension/remote/host.ts';
import { connectHost } from '../../extension/remote/ssh-host.ts';
import { parseTarget } from '../../extension/remote/target.ts';
import { connectOptions, Sandbox, type SshServer, scripted, sleep, whyNoServer } from './harness.ts';

const skip = whyNoServer() ?? false;

describe('connecting to a real sshd', { skip }, () => {
  let sandbox: Sandbox;
  let server: SshServer;
  let known: string;

  before(async () => {
    sandbox = new Sandbox();
    const ed25519 = sandbox.hostKey('host-ed25519');
    const rsa = sandbox.hostKey('host-rsa', 'rsa');
    server = await sandbox.server({ hostKeys: [ed25519.file, rsa.file] });
    known = sandbox.write('known', `[127.0.0.1]:${server.port} ${ed25519.line}\n`);
  });
  after(() => sandbox?.dispose());

  const host = (knownHosts: string, ...more: readonly string[]): string =>
    sandbox.config(
      [
        'Host gpu',
        '  HostName 127.0.0.1',
        `  Port ${server.port}`,
        `  User ${sandbox.user.name}`,
        `  UserKnownHostsFile ${knownHosts}`,
        '  IdentityAgent none',
        ...more.map(line => `  ${line}`),
      ].join('\n'),
    );
  const withKey = (): string => `IdentityFile ${sandbox.user.keyFile}`;

  async function whoami(configFile: string, answers = scripted(), target = 'gpu'): Promise<string> {
    const connected = await connectHost(
      parseTarget(target),
      connectOptions(sandbox, configFile, answers.prompts),
    );
    try {
      return (await run(connected, ['id', '-un'], AbortSignal.timeout(10_000))).stdout.trim();
    } finally {
      connected.dispose();
    }
  }

  async function refused(
    reason: RemoteReason,
    configFile: string,
    answers = scripted(),
  ): Promise<RemoteError> {
    const error = await whoami(configFile, answers).then(
      () => assert.fail('it connected'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof RemoteError, String(error));
    assert.equal(error.reason, reason, error.message);
    return error;
  }

  describe('host keys', () => {
    test('known as [host]:port', async () => {
      assert.equal(await whoami(host(known, withKey())), sandbox.user.name);
    });

    test('known hashed, as ssh-keygen -H writes it', async () => {
      const hashed = sandbox.write('hashed', readFileSync(known, 'utf8'));
      execFileSync('ssh-keygen', ['-q', '-H', '-f', hashed], { stdio: 'ignore' });
      assert.match(readFileSync(hashed, 'utf8'), /^\|1\|/);
      assert.equal(await whoami(host(hashed, withKey())), sandbox.user.name);
    });

    test('known by its alias, and by a pattern', async () => {
      const { line } = sandbox.hostKey('host-ed25519');
      const alias = sandbox.write('alias', `my-gpu ${line}\n`);
      assert.equal(await whoami(host(alias, withKey(), 'HostKeyAlias my-gpu')), sandbox.user.name);
      const pattern = sandbox.write('pattern', `[127.0.0.*]:* ${line}\n`);
      assert.equal(await whoami(host(pattern, withKey())), sandbox.user.name);
    });

    test('known by its RSA key only: that type is asked for', async () => {
      const { line } = sandbox.hostKey('host-rsa', 'rsa');
      const rsa = sandbox.write('rsa', `[127.0.0.1]:${server.port} ${line}\n`);
      assert.equal(await whoami(host(rsa, withKey())), sandbox.user.name);
    });

    test('unknown: asks with the fingerprint that ssh-keygen prints; refused when the person refuses', async () => {
      const answers = scripted();
      await refused('host_key_not_trusted', host('/dev/null', withKey()), answers);
      const printed = execFileSync('ssh-keygen', ['-l', '-f', sandbox.path('host-ed25519.pub')], {
        encoding: 'utf8',
      });
      assert.deepEqual(answers.asked, [`host key ssh-ed25519 ${printed.split(' ')[1]}`]);
    });

    test('unknown, trusted once: the next time asks again; remembered: it does not', async () => {
      const configFile = host('/dev/null', withKey());
      const once = scripted({ trustHostKey: async () => 'once' });
      assert.equal(await whoami(configFile, once), sandbox.user.name);
      const remember = scripted({ trustHostKey: async () => 'remember' });
      assert.equal(await whoami(configFile, remember), sandbox.user.name);
      assert.equal(remember.asked.length, 1);
      const silent = scripted();
      assert.equal(await whoami(configFile, silent), sandbox.user.name);
      assert.deepEqual(silent.asked, []);
      rmSync(sandbox.path('trusted'));
    });

    test('unknown under StrictHostKeyChecking yes: refused without a question', async () => {
      const answers = scripted({ trustHostKey: async () => 'once' });
      await refused(
        'host_key_not_trusted',
        host('/dev/null', withKey(), 'StrictHostKeyChecking yes'),
        answers,
      );
      assert.deepEqual(answers.asked, []);
    });

    test('StrictHostKeyChecking no does not switch the check off', async () => {
      await refused('host_key_not_trusted', host('/dev/null', withKey(), 'StrictHostKeyChecking no'));
    });

    test('changed: ends before any password or passphrase is asked, and before the server hears a name', async () => {
      const other = sandbox.hostKey('another-ed25519');
      const changed = sandbox.write('changed', `[127.0.0.1]:${server.port} ${other.line}\n`);
      const answers = scripted({
        trustHostKey: async () => 'once',
        password: async () => sandbox.user.password,
        passphrase: async () => sandbox.user.passphrase,
      });
      const before = server.log().length;
      const error = await refused(
        'host_key_changed',
        host(changed, `IdentityFile ${sandbox.user.encryptedKeyFile}`),
        answers,
      );
      assert.deepEqual(answers.asked, []);
      assert.match(error.message, /has changed/);
      assert.ok(error.message.includes(`${changed}:1`));
      await sleep(200);
      assert.ok(!server.log().slice(before).includes(sandbox.user.name), 'the user name reached the server');
    });

    test('known by another type of key only: counts as changed', async () => {
      const ecdsa = sandbox.hostKey('another-ecdsa', 'ecdsa');
      const changed = sandbox.write('changed-type', `[127.0.0.1]:${server.port} ${ecdsa.line}\n`);
      await refused(
        'host_key_changed',
        host(changed, withKey()),
        scripted({ trustHostKey: async () => 'once' }),
      );
    });

    test('revoked: refused, though another line knows it', async () => {
      const { line } = sandbox.hostKey('host-ed25519');
      const revoked = sandbox.write('revoked', `${readFileSync(known, 'utf8')}@revoked * ${line}\n`);
      const answers = scripted({ trustHostKey: async () => 'once' });
      await refused('host_key_revoked', host(revoked, withKey()), answers);
      assert.deepEqual(answers.asked, []);
    });
  });

  describe('authentication', () => {
    test('an encrypted key asks for its passphrase, again when it was wrong', async () => {
      const tries = ['wrong', sandbox.user.passphrase];
      const answers = scripted({ passphrase: async () => tries.shift() });
      const name = await whoami(host(known, `IdentityFile ${sandbox.user.encryptedKeyFile}`), answers);
      assert.equal(name, sandbox.user.name);
      assert.deepEqual(answers.asked, ['passphrase', 'passphrase again']);
    });

    test('the agent, and only the keys it may use', async () => {
      const socket = sandbox.path('agent');
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
      try {
        while (!existsSync(socket)) await sleep(20);
        const env = { ...process.env, SSH_AUTH_SOCK: socket };
        execFileSync('ssh-add', ['-q', sandbox.user.keyFile], { env, stdio: 'ignore' });
        const configFile = sandbox.config(
          `Host gpu\n HostName 127.0.0.1\n Port ${server.port}\n User ${sandbox.user.name}\n UserKnownHostsFile ${known}\n IdentityAgent ${socket}\n IdentityFile /nonexistent\n`,
        );
        assert.equal(await whoami(configFile), sandbox.user.name);
        // IdentitiesOnly with another key: what the agent holds must not be offered.
        const only = sandbox.config(
          `Host gpu\n HostName 127.0.0.1\n Port ${server.port}\n User ${sandbox.user.name}\n UserKnownHostsFile ${known}\n IdentityAgent ${socket}\n IdentitiesOnly yes\n IdentityFile ${sandbox.hostKey('stranger').file}\n`,
        );
        await refused('cancelled', only);
      } finally {
        agent.kill();
      }
    });

    test('a password, asked three times at most', async () => {
      const right = scripted({ password: async () => sandbox.user.password });
      assert.equal(await whoami(host(known, 'IdentityFile none'), right), sandbox.user.name);
      assert.deepEqual(right.asked, ['password']);
      const wrong = scripted({ password: async () => 'wrong' });
      const error = await refused('authentication', host(known, 'IdentityFile none'), wrong);
      assert.deepEqual(wrong.asked, ['password', 'password again', 'password again']);
      assert.ok(!error.message.includes('wrong'), 'the password is in the message');
    });

    test('a host that does not wait for the password: the connection is lost, nobody was refused', async () => {
      const key = sandbox.hostKey('impatient');
      const impatient = await sandbox.server({ hostKeys: [key.file], extra: ['LoginGraceTime 1'] });
      const knownKey = sandbox.write('known-impatient', `[127.0.0.1]:${impatient.port} ${key.line}\n`);
      const config = sandbox.config(
        `Host gpu\n HostName 127.0.0.1\n Port ${impatient.port}\n User ${sandbox.user.name}\n UserKnownHostsFile ${knownKey}\n IdentityAgent none\n IdentityFile none\n`,
      );
      const slow = scripted({ password: () => new Promise(() => {}) });
      const error = await refused('connection_lost', config, slow);
      assert.deepEqual(slow.asked, ['password']);
      assert.match(error.hint ?? '', /LoginGraceTime/);
    });

    test('walking away from the password ends the connection', async () => {
      await refused('cancelled', host(known, 'IdentityFile none'));
    });

    test('a key that the server does not know: the message says what was tried', async () => {
      const stranger = sandbox.hostKey('stranger').file;
      const answers = scripted({ password: async () => 'wrong' });
      const error = await refused('authentication', host(known, `IdentityFile ${stranger}`), answers);
      assert.ok(error.message.includes(stranger), error.message);
    });
  });

  describe('ways', () => {
    test('a jump host, each hop with its own key check', async () => {
      const jumpKey = sandbox.hostKey('jump-ed25519');
      const jump = await sandbox.server({ hostKeys: [jumpKey.file] });
      const both = sandbox.write(
        'known-both',
        `${readFileSync(known, 'utf8')}[127.0.0.1]:${jump.port} ${jumpKey.line}\n`,
      );
      const chain = (knownHosts: string): string =>
        sandbox.config(
          `Host gpu\n HostName 127.0.0.1\n Port ${server.port}\n ProxyJump jump\nHost jump\n HostName 127.0.0.1\n Port ${jump.port}\nHost gpu jump\n User ${sandbox.user.name}\n UserKnownHostsFile ${knownHosts}\n IdentityAgent none\n IdentityFile ${sandbox.user.keyFile}\n`,
        );
      assert.equal(await whoami(chain(both)), sandbox.user.name);
      assert.match(jump.log(), /direct-tcpip|Accepted publickey/);
      // The jump host unknown: asked about before the target is tried.
      const answers = scripted();
      await refused('host_key_not_trusted', chain(known), answers);
      assert.equal(answers.asked.length, 1);
      // The target behind a good jump host changed: refused too.
      const wrong = sandbox.write(
        'known-jump-only',
        `[127.0.0.1]:${jump.port} ${jumpKey.line}\n[127.0.0.1]:${server.port} ${jumpKey.line}\n`,
      );
      await refused('host_key_changed', chain(wrong));
    });

    test('a ProxyCommand', async () => {
      const configFile = host(
        known,
        withKey(),
        'ProxyCommand bash -c "exec 3<>/dev/tcp/%h/%p; cat <&3 & exec cat >&3"',
      );
      assert.equal(await whoami(configFile), sandbox.user.name);
    });

    test('a ProxyCommand that fails says why', async () => {
      const error = await refused(
        'handshake',
        host(known, withKey(), 'ProxyCommand echo no way >&2; exit 1'),
      );
      assert.match(error.message, /no way/);
    });

    test('typed as user@host:port', async () => {
      const configFile = sandbox.config(
        `Host *\n UserKnownHostsFile ${known}\n IdentityAgent none\n IdentityFile ${sandbox.user.keyFile}\n`,
      );
      const name = await whoami(configFile, scripted(), `${sandbox.user.name}@127.0.0.1:${server.port}`);
      assert.equal(name, sandbox.user.name);
    });

    test('nobody there', async () => {
      const configFile = sandbox.config(`Host gpu\n HostName 127.0.0.1\n Port 1\n`);
      await refused('unreachable', configFile);
    });
  });

  describe('commands', () => {
    test('arguments arrive as they are, through every kind of quoting', async () => {
      const connected = await connectHost(
        parseTarget('gpu'),
        connectOptions(sandbox, host(known, withKey()), scripted().prompts),
      );
      const odd = ['', 'a b', "it's", '"$HOME"', '`id`', 'x\\y', '$(id)', '*', 'ä;&|<>', '-n'];
      const printed = await run(
        connected,
        script('for word in "$@"; do printf %s. "$word" | base64 -w 0; echo; done', ...odd),
        AbortSignal.timeout(10_000),
      );
      connected.dispose();
      const words = printed.stdout
        .trim()
        .split('\n')
        .map(line => Buffer.from(line, 'base64').toString('utf8').slice(0, -1));
      assert.deepEqual(words, odd);
    });

    test('a lost connection is an error, not a wait', async () => {
      const own = await sandbox.server({ hostKeys: [sandbox.hostKey('host-ed25519').file] });
      const { line } = sandbox.hostKey('host-ed25519');
      const knownOwn = sandbox.write('known-own', `[127.0.0.1]:${own.port} ${line}\n`);
      const configFile = sandbox.config(
        `Host gpu\n HostName 127.0.0.1\n Port ${own.port}\n User ${sandbox.user.name}\n UserKnownHostsFile ${knownOwn}\n IdentityAgent none\n IdentityFile ${sandbox.user.keyFile}\n`,
      );
      const connected = await connectHost(
        parseTarget('gpu'),
        connectOptions(sandbox, configFile, scripted().prompts),
      );
      const sleeping = await connected.exec(['sleep', '30'], AbortSignal.timeout(10_000));
      const sessions = execFileSync('pgrep', ['-u', sandbox.user.name, '-x', 'sshd'], { encoding: 'utf8' });
      for (const id of sessions.trim().split('\n')) process.kill(Number(id), 'SIGKILL');
      await assert.rejects(sleeping.exit, { reason: 'connection_lost' });
      assert.equal((await connected.closed)?.reason, 'connection_lost');
    });

    test('the same key is not asked about again when keys are renewed', async () => {
      const rekeying = await sandbox.server({
        hostKeys: [sandbox.hostKey('host-ed25519').file],
        extra: ['RekeyLimit 64K'],
      });
      const answers = scripted({ trustHostKey: async () => 'once' });
      const configFile = sandbox.config(
        `Host gpu\n HostName 127.0.0.1\n Port ${rekeying.port}\n User ${sandbox.user.name}\n UserKnownHostsFile /dev/null\n IdentityAgent none\n IdentityFile ${sandbox.user.keyFile}\n`,
      );
      const connected = await connectHost(
        parseTarget('gpu'),
        connectOptions(sandbox, configFile, answers.prompts),
      );
      const { stdout } = await run(
        connected,
        script('head -c 1000000 /dev/zero | tr "[:cntrl:]" x'),
        AbortSignal.timeout(20_000),
      );
      connected.dispose();
      assert.equal(
        createHash('sha256').update(stdout).digest('hex'),
        createHash('sha256').update('x'.repeat(1e6)).digest('hex'),
      );
      assert.equal(answers.asked.length, 1);
    });
  });
});
