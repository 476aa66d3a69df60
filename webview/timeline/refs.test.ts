import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RowRef, Track } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import type { Slice } from './hit.ts';
import { refOf, trackOf } from './refs.ts';

const track = (kind: Track['kind'], id: number): Track => ({
  id: `${kind}:${id}`,
  kind,
  thread: kind === 'cpu' ? undefined : { id, tid: id, pid: id, name: 't', process: 'p' },
  cpu: kind === 'cpu' ? id : undefined,
  events: 1,
  depth: 1,
  observed: { startNs: ns(0), endNs: ns(1) },
});
const TRACKS = [track('cuda', 1), track('off_cpu', 1), track('off_cpu', 2), track('cpu', 1)];
const slice = { id: 7, span: { startNs: ns(5), endNs: ns(9) } } as Slice;

test('a rectangle draws a row', () => {
  assert.deepEqual(refOf(track('cuda', 1), slice), { table: 'cuda_call', id: 7 });
  assert.deepEqual(refOf(track('off_cpu', 1), slice), { table: 'off_cpu', id: 7 });
  assert.deepEqual(refOf(track('cpu', 3), slice), { table: 'cpu_slice', cpu: 3, startNs: 5 });
});

for (const [name, row, thread, want] of [
  ['a call', { table: 'cuda_call', id: 7 }, 1, 'cuda:1'],
  ['a wait', { table: 'off_cpu', id: 7 }, 2, 'off_cpu:2'],
  ['a slice', { table: 'cpu_slice', cpu: 1, startNs: ns(5) }, 2, 'cpu:1'],
  ['a row of another kind, by its thread', { table: 'block_io', id: 7 }, 2, 'off_cpu:2'],
  ['a thread alone', undefined, 1, 'cuda:1'],
  ['nothing', undefined, undefined, undefined],
] as const satisfies readonly (readonly [
  string,
  RowRef | undefined,
  number | undefined,
  string | undefined,
])[]) {
  test(`the track of ${name}`, () => assert.equal(trackOf(TRACKS, row, thread)?.id, want));
}
