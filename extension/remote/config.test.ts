import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseOptions, readSettings, settingsFrom } from './config.ts';
import { configuredHosts } from './config-hosts.ts';
import { parseTarget } from './target.ts';

describe('settings', () => {
  const of = (text: string, target = 'gpu') => settingsFrom(parseTarget(target), parseOptions(text));

  test('what ssh -G prints', () => {
    const settings = of(
      'user ann\nhostname gpu.example\nport 2222\nidentityfile ~/.ssh/id_%h\nidentityfile %d/b c\nidentitiesonly yes\nproxyjump a,b\nuserknownhostsfile ~/.ssh/known_hosts /x/%n\nglobalknownhostsfile none\nstricthostkeychecking accept-new\nconnecttimeout 7\nhostkeyalias zed\n',
    );
    assert.equal(settings.alias, 'gpu');
    assert.equal(settings.hostName, 'gpu.example');
    assert.equal(settings.port, 2222);
    assert.deepEqual(settings.identityFiles, [`${homedir()}/.ssh/id_gpu.example`, `${homedir()}/b c`]);
    assert.equal(settings.identitiesOnly, true);
    assert.equal(settings.proxyJump, 'a,b');
    assert.deepEqual(settings.userKnownHostsFiles, [`${homedir()}/.ssh/known_hosts`, '/x/gpu']);
    assert.deepEqual(settings.globalKnownHostsFiles, []);
    assert.equal(settings.strictHostKeyChecking, 'accept-new');
    assert.equal(settings.connectTimeoutMs, 7000);
    assert.equal(settings.hostKeyAlias, 'zed');
  });

  test('none means none, and nothing switches the host key check off', () => {
    const settings = of(
      'proxyjump none\nproxycommand none\nidentityagent none\nstricthostkeychecking false\nconnecttimeout none\n',
    );
    assert.equal(settings.proxyJump, undefined);
    assert.equal(settings.proxyCommand, undefined);
    assert.equal(settings.agent, undefined);
    assert.equal(settings.strictHostKeyChecking, 'ask');
    assert.equal(settings.connectTimeoutMs, 20_000);
  });

  test('an unknown token is said, not passed on', () => {
    assert.throws(() => of('identityfile /x/%Z\n'), { reason: 'config' });
  });
});

describe('files', () => {
  let folder: string;
  let config: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'wakechain-config-'));
    mkdirSync(join(folder, 'more'));
    config = join(folder, 'config');
    writeFileSync(
      config,
      `Include ${folder}/more/*\nInclude ${config}\nHost gpu gpu2 *.example !x\n  HostName 10.0.0.7\n  User ann\nMatch host "*"\n  Port 2222\nHost="quoted" -dash\nHost *\n`,
    );
    writeFileSync(join(folder, 'more', 'a'), 'Host deep\n  HostName deep.example\n');
    writeFileSync(join(folder, 'more', 'b'), 'Host gpu deeper\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  test('hosts to choose from: Include followed once, patterns left out', async () => {
    assert.deepEqual(await configuredHosts({ configFile: config }), [
      'deep',
      'gpu',
      'deeper',
      'gpu2',
      'quoted',
    ]);
  });

  test('no file, no hosts', async () => {
    assert.deepEqual(await configuredHosts({ configFile: join(folder, 'none') }), []);
  });

  test('a file that OpenSSH refuses is said in its words', async () => {
    const bad = join(folder, 'bad');
    writeFileSync(bad, 'Host gpu\n  NoSuchKeyword x\n');
    await assert.rejects(readSettings(parseTarget('gpu'), { configFile: bad }, AbortSignal.timeout(10_000)), {
      reason: 'config',
      message: /nosuchkeyword/i,
    });
  });

  test('without OpenSSH, Host blocks are still read', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      const settings = await readSettings(
        parseTarget('gpu'),
        { configFile: config },
        AbortSignal.timeout(10_000),
      );
      assert.equal(settings.hostName, '10.0.0.7');
      assert.equal(settings.user, 'ann');
    } finally {
      process.env['PATH'] = path;
    }
  });
});
