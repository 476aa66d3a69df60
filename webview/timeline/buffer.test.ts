import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SlicesQuery, SlicesResult } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import { Client } from '../base/client.ts';
import type { PageMessage } from '../protocol.ts';
import { SliceBuffer } from './buffer.ts';

const EMPTY: SlicesResult = { tracks: [], palette: [], labels: [] };
const span = (start: number, end: number) => ({ startNs: ns(start), endNs: ns(end) });

function setUp() {
  const asked: { id: number; query: SlicesQuery }[] = [];
  const failures: string[] = [];
  let drawn = 0;
  const client: Client = new Client((message: PageMessage) => {
    if (message.type === 'call' && message.method === 'slices')
      asked.push({ id: message.id, query: message.argument });
  });
  const buffer = new SliceBuffer(
    client,
    1_000_000,
    () => {
      drawn += 1;
    },
    message => failures.push(message),
  );
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
  const answer = async (index: number): Promise<void> => {
    client.receive({ type: 'reply', id: asked[index]?.id ?? -1, ok: EMPTY });
    await settle();
  };
  const refuse = async (index: number): Promise<void> => {
    client.receive({
      type: 'reply',
      id: asked[index]?.id ?? -1,
      error: { reason: 'deadline', message: 'Too slow.' },
    });
    await settle();
  };
  return { asked, failures, buffer, answer, refuse, drawn: () => drawn };
}

test('one question at a time; of the wishes meanwhile only the last is asked', async () => {
  const { asked, buffer, answer, drawn } = setUp();
  buffer.want(span(0, 1000), 100, ['cuda:1']);
  buffer.want(span(100_000, 200_000), 100, ['cuda:1']);
  buffer.want(span(500_000, 600_000), 100, ['cuda:1']);
  assert.equal(asked.length, 1);
  await answer(0);
  assert.deepEqual([asked.length, drawn()], [2, 1]);
  assert.deepEqual(asked[1]?.query.window, span(400_000, 700_000));
  await answer(1);
  assert.equal(asked.length, 2);
  assert.equal(buffer.settled, true);
});

test('a track that came into sight is asked for, though time is covered', async () => {
  const { asked, buffer, answer } = setUp();
  buffer.want(span(0, 1000), 100, ['cuda:1']);
  await answer(0);
  buffer.want(span(0, 1000), 100, ['cuda:1']);
  assert.equal(asked.length, 1);
  buffer.want(span(0, 1000), 100, ['cuda:1', 'off_cpu:1']);
  assert.deepEqual(asked[1]?.query.tracks, ['cuda:1', 'off_cpu:1']);
});

test('a refusal is told, not repeated', async () => {
  const { asked, buffer, refuse, failures } = setUp();
  buffer.want(span(0, 1000), 100, ['cuda:1']);
  await refuse(0);
  assert.deepEqual(failures, ['Too slow.']);
  assert.equal(asked.length, 1);
});
