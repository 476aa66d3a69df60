// The protocol itself, spoken by hand: older clients are served, and standard output carries nothing else.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { unfitNode } from '../../extension/mcp/runtime.ts';
import { temporaryTrace } from '../fixtures/temporary.ts';
import { program } from './server.ts';

test('a client of 2025-06-18 is served; the server goes when its input ends', async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const server = spawn(process.execPath, [program, '--traces', dirname(file)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const replies: {
    id: number;
    result: { protocolVersion?: string; structuredContent?: { rows: unknown } };
  }[] = [];
  const lines = createInterface(server.stdout);
  const send = (message: object) => server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const reply = async () => {
    const [line] = await once(lines, 'line');
    replies.push(JSON.parse(line));
    return replies.at(-1);
  };
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'old', version: '1' } },
  });
  assert.equal((await reply())?.result.protocolVersion, '2025-06-18');
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'run_sql', arguments: { query: 'SELECT 1 + 1' } } });
  assert.deepEqual((await reply())?.result.structuredContent?.rows, [[2]]);
  server.stdin.end();
  const [status] = await once(server, 'exit');
  assert.equal(status, 0);
  assert.deepEqual(
    replies.map(({ id }) => id),
    [1, 2],
  );
});

test('the command line: help, version, and a wrong word', () => {
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [program, ...args], { encoding: 'utf8', stdio: 'pipe' });
  assert.match(run('--help'), /--traces DIR/);
  assert.match(run('--version'), /^\d+\.\d+\.\d+\n$/);
  assert.throws(() => run('--trace', 'x'), { status: 2, stderr: /Unknown option '--trace'/ });
  assert.throws(() => run('verify-audit', '/absent'), { status: 1 });
});

const older = ['/usr/bin/node', '/usr/local/bin/node']
  .filter(path => existsSync(path))
  .map(path => ({ path, version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().slice(1) }))
  .find(({ version }) => unfitNode(version) !== undefined);

test('an older Node is refused at once, with a sentence, and not at the first question', {
  skip: older === undefined ? 'no older Node on this machine' : false,
}, () => {
  const said = spawnSync(older?.path ?? '', [program], { encoding: 'utf8', input: '' });
  assert.equal(said.status, 1);
  assert.match(said.stderr, /needs Node 24\.15 or newer, and this is Node/);
  assert.equal(said.stdout, '');
});
