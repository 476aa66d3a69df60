import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceSummary } from '../../extension/trace/api.ts';
import type { PageMessage } from '../protocol.ts';
import { CallError, Client } from './client.ts';

function pair(): { client: Client; sent: PageMessage[] } {
  const sent: PageMessage[] = [];
  return { client: new Client(message => sent.push(message)), sent };
}

test('answers reach the question of their id, in any order', async () => {
  const { client, sent } = pair();
  const first = client.call('schema', undefined);
  const second = client.call('summary', undefined);
  assert.deepEqual(
    sent.map(message => (message.type === 'call' ? [message.id, message.method] : message.type)),
    [
      [1, 'schema'],
      [2, 'summary'],
    ],
  );
  const summary = { host: 'gpu-07' } as TraceSummary;
  client.receive({ type: 'reply', id: 2, ok: summary });
  client.receive({ type: 'reply', id: 1, ok: 'CREATE TABLE' });
  assert.equal(await first, 'CREATE TABLE');
  assert.equal(await second, summary);
});

test('an error arrives with its reason and hint', async () => {
  const { client } = pair();
  const call = client.call('schema', undefined);
  client.receive({
    type: 'reply',
    id: 1,
    error: { reason: 'deadline', message: 'Too slow.', hint: 'Less.' },
  });
  await assert.rejects(call, (error: CallError) => {
    assert.ok(error instanceof CallError);
    assert.deepEqual([error.reason, error.message, error.hint], ['deadline', 'Too slow.', 'Less.']);
    return true;
  });
});

test('a withdrawn question rejects, is cancelled at the host, and its late answer is dropped', async () => {
  const { client, sent } = pair();
  const stop = new AbortController();
  const call = client.call('schema', undefined, stop.signal);
  stop.abort();
  await assert.rejects(call, { reason: 'cancelled' });
  assert.deepEqual(sent.at(-1), { type: 'cancel', id: 1 });
  client.receive({ type: 'reply', id: 1, ok: 'late' });
});

test('a closed line ends every open question', async () => {
  const { client } = pair();
  const call = client.call('schema', undefined);
  client.close('The viewer ended.');
  await assert.rejects(call, { message: 'The viewer ended.' });
});
