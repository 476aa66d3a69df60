import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPageMessage, checkViewState } from './messages.ts';

const SPAN = { startNs: 5, endNs: 9 };
const SELECTION = { window: SPAN, thread: 3, row: { table: 'cuda_call', id: 4 }, cause: 'c' };
const call = (method: string, argument?: unknown) => ({ type: 'call', id: 1, method, argument });

for (const message of [
  { type: 'ready', protocol: 1 },
  { type: 'cancel', id: 4 },
  { type: 'copy', text: 'x' },
  { type: 'openSource', file: '/src/queue.cc', line: 88 },
  { type: 'openSource', file: '/src/queue.cc' },
  { type: 'state', state: { tab: 'flame', visible: SPAN, selection: SELECTION } },
  { type: 'state', state: { tab: 'flame', selection: {} } },
  call('summary'),
  call('stats', {}),
  call('stats', { window: SPAN, pid: 12 }),
  call('causes', { floorUs: 500, limit: 3 }),
  call('explain', { call: 7 }),
  call('explain', { thread: 2, window: SPAN }),
  call('explain', { worst: {} }),
  call('slices', { tracks: ['cuda:1', 'cpu:0'], window: SPAN, resolutionNs: 64 }),
  call('flame', { kind: 'cuda', thread: 3 }),
  call('row', { table: 'cpu_slice', cpu: 0, startNs: 12 }),
  call('sql', { query: 'SELECT 1' }),
]) {
  test(`accepts ${JSON.stringify(message).slice(0, 100)}`, () =>
    assert.deepEqual(checkPageMessage(message), { ok: message }));
}

for (const message of [
  undefined,
  'ready',
  [],
  {},
  { type: 'constructor' },
  { type: 'ready' },
  { type: 'cancel', id: -1 },
  { type: 'cancel', id: 1.5 },
  { type: 'copy', text: 3 },
  { type: 'openSource', file: 'x'.repeat(5000) },
  { type: 'state', state: { tab: 'nowhere', selection: {} } },
  { type: 'state', state: { tab: 'flame', visible: { startNs: 9, endNs: 5 }, selection: {} } },
  call('close'),
  call('toString'),
  call('stats', { window: { startNs: 0 } }),
  call('stats', { window: SPAN, file: '/etc/passwd' }),
  call('explain', {}),
  call('slices', { tracks: ['cuda:1; DROP'], window: SPAN, resolutionNs: 64 }),
  call('slices', { tracks: ['cuda:1'], window: SPAN, resolutionNs: 0 }),
  call('slices', { tracks: ['cuda:1'], window: SPAN, resolutionNs: Number.NaN }),
  call('row', { table: 'process', id: 1 }),
  call('sql', { query: ['SELECT 1'] }),
  { type: 'call', id: 'one', method: 'summary' },
]) {
  test(`refuses ${(JSON.stringify(message) ?? 'undefined').slice(0, 100)}`, () =>
    assert.ok('problem' in checkPageMessage(message)));
}

test('kept state comes back whole, with what JSON dropped', () => {
  const kept = JSON.parse(JSON.stringify({ tab: 'timeline', visible: undefined, selection: SELECTION }));
  assert.deepEqual(checkViewState(kept), { tab: 'timeline', visible: undefined, selection: SELECTION });
  assert.deepEqual(checkViewState({ tab: 'causes', visible: null, selection: { row: null, cause: null } }), {
    tab: 'causes',
    visible: undefined,
    selection: { window: undefined, thread: undefined, row: undefined, cause: undefined },
  });
});

test('kept state that does not fit is nothing, not an error', () => {
  for (const value of [undefined, null, 4, {}, { tab: 'timeline' }])
    assert.equal(checkViewState(value), undefined);
});
