import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ns } from '../../extension/trace/time.ts';
import type { ViewState } from '../protocol.ts';
import { rowKey, Store, sameRow } from './store.ts';

test('every listener sees a change and what was before it', () => {
  const store = new Store();
  const seen: [ViewState, ViewState][] = [];
  store.subscribe((state, before) => seen.push([state, before]));
  store.update({ tab: 'flame' });
  store.select({ thread: 7 });
  assert.deepEqual(
    seen.map(([state, before]) => [before.tab, state.tab, before.selection.thread, state.selection.thread]),
    [
      ['overview', 'flame', undefined, undefined],
      ['flame', 'flame', undefined, 7],
    ],
  );
});

test('selecting one thing keeps the others', () => {
  const store = new Store();
  store.select({ cause: 'c1', window: { startNs: ns(5), endNs: ns(9) } });
  store.select({ thread: 3 });
  assert.deepEqual(store.state.selection, {
    cause: 'c1',
    window: { startNs: 5, endNs: 9 },
    thread: 3,
    row: undefined,
  });
});

test('rows are the same by table and key', () => {
  const call = { table: 'cuda_call', id: 4 } as const;
  assert.equal(sameRow(call, { table: 'cuda_call', id: 4 }), true);
  assert.equal(sameRow(call, { table: 'off_cpu', id: 4 }), false);
  assert.equal(sameRow(call, undefined), false);
  assert.equal(sameRow(undefined, undefined), true);
  assert.equal(rowKey({ table: 'cpu_slice', cpu: 3, startNs: ns(12) }), 'cpu_slice 3/12');
});
