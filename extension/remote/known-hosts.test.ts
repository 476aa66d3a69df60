// Compared with ssh-keygen, which reads the same format: -F finds, -H hashes, -l prints fingerprints.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  fingerprint,
  hostsMatch,
  judge,
  keyTypeOf,
  knownHostsLine,
  knownKeyTypes,
  lookupName,
  parseKnownHosts,
} from './known-hosts.ts';

function ed25519(): Buffer {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const field = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]);
}

const key = ed25519();
const other = ed25519();
const line = (hosts: string, of = key, marker = ''): string =>
  `${marker}${hosts} ssh-ed25519 ${of.toString('base64')} a comment\n`;

test('the name that a host is looked up by', () => {
  assert.equal(lookupName('GPU.Example', 22), 'gpu.example');
  assert.equal(lookupName('gpu', 2222), '[gpu]:2222');
  assert.equal(lookupName('2001:db8::1', 22), '2001:db8::1');
});

test('patterns', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['gpu', 'gpu', true],
    ['gpu', 'gpu2', false],
    ['GPU', 'gpu', true],
    ['other,gpu', 'gpu', true],
    ['*.example', 'a.b.example', true],
    ['*.example', 'aXexample', false],
    ['gpu?', 'gpu1', true],
    ['gpu?', 'gpu', false],
    ['*,!gpu', 'gpu', false],
    ['*,!gpu', 'cpu', true],
    ['!gpu', 'cpu', false],
    ['[gpu]:2222', '[gpu]:2222', true],
    ['gpu', '[gpu]:2222', false],
    ['[*]:2222', '[gpu]:2222', true],
    ['(a|b)', 'a', false],
    ['', 'gpu', false],
    ['|2|x|y', 'gpu', false],
  ];
  for (const [hosts, name, expected] of cases)
    assert.equal(hostsMatch(hosts, name), expected, `${hosts} ${name}`);
});

test('lines that are no entries are passed over', () => {
  const text = `# comment\n\n  \ngpu ssh-ed25519\ngpu ssh-rsa ${key.toString('base64')}\n@unknown gpu ssh-ed25519 x\ngpu ssh-ed25519 !!!\n${line('gpu')}`;
  const entries = parseKnownHosts(text, 'known');
  assert.equal(entries.length, 1);
  assert.equal(entries[0]?.line, 8);
});

test('judgement', () => {
  const verdict = (text: string, name = 'gpu'): string =>
    judge(parseKnownHosts(text, 'known'), name, key).kind;
  assert.equal(verdict(''), 'unknown');
  assert.equal(verdict(line('gpu')), 'known');
  assert.equal(verdict(line('gpu', other) + line('gpu')), 'known');
  assert.equal(verdict(line('gpu', other)), 'changed');
  assert.equal(verdict(line('cpu', other)), 'unknown');
  assert.equal(verdict(line('gpu') + line('*', key, '@revoked ')), 'revoked');
  assert.equal(verdict(line('gpu') + line('cpu', key, '@revoked ')), 'known');
  assert.equal(verdict(line('gpu') + line('*', other, '@revoked ')), 'known');
  assert.equal(verdict(line('gpu', other, '@cert-authority ')), 'unknown');
  assert.equal(
    verdict(line('gpu', key, '@cert-authority ')),
    'unknown',
    'a key of an authority is no host key',
  );
  const rsa = `gpu ssh-rsa ${Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-rsa'), Buffer.alloc(20)]).toString('base64')}\n`;
  assert.equal(verdict(rsa), 'changed', 'known by another type only');
  assert.deepEqual(knownKeyTypes(parseKnownHosts(rsa + line('gpu'), 'known'), 'gpu'), [
    'ssh-rsa',
    'ssh-ed25519',
  ]);
});

test('keys in wire form', () => {
  assert.equal(keyTypeOf(key), 'ssh-ed25519');
  for (const bad of [Buffer.alloc(0), Buffer.from([0, 0, 0, 9, 1]), Buffer.from([0xff, 0xff, 0xff, 0xff, 1])])
    assert.equal(keyTypeOf(bad), undefined);
  assert.equal(judge(parseKnownHosts(knownHostsLine('[gpu]:22', key), 'x'), '[gpu]:22', key).kind, 'known');
});

const keygen = spawnSync('ssh-keygen', ['-?']).error === undefined;

describe('as ssh-keygen sees it', { skip: keygen ? false : 'OpenSSH is not installed' }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'wakechain-known-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  test('fingerprint', () => {
    const file = join(folder, 'key.pub');
    writeFileSync(file, `ssh-ed25519 ${key.toString('base64')}\n`);
    assert.equal(
      execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ')[1],
      fingerprint(key),
    );
  });

  test('the same hosts are found, plain and hashed', () => {
    const names = ['gpu', 'cpu', '[gpu]:2222', 'a.b.example', '10.0.0.7'];
    const file = join(folder, 'known');
    writeFileSync(
      file,
      `${line('gpu')}${line('[gpu]:2222')}${line('*.example,!c.example')}${line('10.0.0.7,x')}`,
    );
    const compare = (): void => {
      const entries = parseKnownHosts(readFileSync(file, 'utf8'), file);
      for (const name of [...names, 'c.example', '[gpu]:2223'])
        assert.equal(
          entries.some(entry => hostsMatch(entry.hosts, name)),
          spawnSync('ssh-keygen', ['-F', name, '-f', file]).status === 0,
          name,
        );
    };
    compare();
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    compare();
    assert.ok(parseKnownHosts(readFileSync(file, 'utf8'), file).some(entry => entry.hosts.startsWith('|1|')));
  });
});
