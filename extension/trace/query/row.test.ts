import assert from 'node:assert/strict';
import { test } from 'node:test';
import { select } from '../../../test/fixtures/oracle.ts';
import { openStore } from '../../../test/fixtures/store.ts';
import { temporaryTrace } from '../../../test/fixtures/temporary.ts';
import { ns } from '../time.ts';
import { row } from './row.ts';

test('a call has the columns of its view, its span, and its stack innermost first', t => {
  const { file } = temporaryTrace(t);
  const id = Number(
    select(file, 'SELECT min(id) AS id FROM cuda_call WHERE stack_id IS NOT NULL')[0]?.['id'],
  );
  const truth = select(file, 'SELECT * FROM cuda_calls WHERE id = ?', id)[0] ?? {};
  const made = row(openStore(t, file), { table: 'cuda_call', id });
  assert.deepEqual(
    made.columns.map(column => [column.name, column.value ?? null]),
    Object.entries(truth),
  );
  assert.equal(made.span.endNs - made.span.startNs, truth['duration_ns']);
  const frames = made.stacks[0]?.frames ?? [];
  assert.equal(frames.at(-1)?.function, '_start');
  const python = frames.find(frame => frame.kind === 'python');
  assert.match(python?.file ?? '', /\.py$/);
});

test('a slice by CPU and start; a row that is not there is said', t => {
  const { file } = temporaryTrace(t);
  const store = openStore(t, file);
  const slice = select(file, 'SELECT * FROM cpu_slice WHERE cpu = 1 LIMIT 1')[0];
  const made = row(store, { table: 'cpu_slice', cpu: 1, startNs: ns(Number(slice?.['start_ns'])) });
  assert.equal(made.thread?.id, slice?.['thread_id']);
  assert.throws(() => row(store, { table: 'off_cpu', id: 1e9 }), { reason: 'not_in_trace' });
});
