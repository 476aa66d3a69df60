import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote } from './host.ts';
import { parseTarget } from './target.ts';

test('what names a host', () => {
  const cases: readonly (readonly [string, string, string | undefined, number | undefined])[] = [
    ['gpu', 'gpu', undefined, undefined],
    [' gpu.example ', 'gpu.example', undefined, undefined],
    ['ann@gpu', 'gpu', 'ann', undefined],
    ['ann@gpu:2222', 'gpu', 'ann', 2222],
    ['ann@[2001:db8::1]:2222', '2001:db8::1', 'ann', 2222],
    ['[fe80::1%eth0]', 'fe80::1%eth0', undefined, undefined],
    ['ssh://ann@gpu:2222/', 'gpu', 'ann', 2222],
    ['10.0.0.7:22', '10.0.0.7', undefined, 22],
    ['DOMAIN\\ann@gpu', 'gpu', 'DOMAIN\\ann', undefined],
  ];
  for (const [text, host, user, port] of cases)
    assert.deepEqual(parseTarget(text), { host, user, port }, text);
});

test('what does not', () => {
  const bad = [
    '',
    '-oProxyCommand=x',
    'ann@-gpu',
    '-ann@gpu',
    'gpu:0',
    'gpu:65536',
    'gpu:x',
    'a b',
    'gpu;id',
    '$(id)@gpu',
    'gpu`id`',
    'a@b@c d',
    'gpu/path',
  ];
  for (const text of bad) assert.throws(() => parseTarget(text), { reason: 'bad_target' }, text);
});

test('words for a shell', () => {
  assert.equal(quote('/usr/bin/id'), '/usr/bin/id');
  assert.equal(quote('a b'), `'a b'`);
  assert.equal(quote(''), `''`);
  assert.equal(quote(`it's`), `'it'"'"'s'`);
});
