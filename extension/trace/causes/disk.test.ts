import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('a disk wait is told by its request, in the queue and in the device apart', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const blockIo = trace.blockIo({ from: 10_500, issued: 13_000, to: 14_900 });
  trace.waits(engine, { from: 10_000, woken: 15_000, reason: 'disk', blockIo });
  const cause = explained(trace, trace.call(engine, 'cudaMemcpy', 10_000, 15_000, 'copy'));
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-15000',
      '  disk engine 10000-15000',
      '    unexplained engine 10000-10500',
      '    disk engine 10500-13000',
      '    disk engine 13000-14900',
      '    disk engine 14900-15000',
    ].join('\n'),
  );
  assert.match(
    cause.sentence,
    /waiting for a read on disk vda \(2.5 ms in the queue of vda, 1.9 ms in the device vda/,
  );
});

test('without a request it is a lead; a journal that ended the wait is followed, a passer-by is not', () => {
  const cases: readonly {
    why: string;
    name: string;
    context: 'task' | 'kernel_thread' | 'interrupt';
    edge: string;
  }[] = [
    { why: 'nobody known', name: 'x', context: 'interrupt', edge: 'disk' },
    { why: 'a task that the completion interrupted', name: 'busy', context: 'task', edge: 'disk' },
    { why: 'a kernel thread that passes on', name: 'kworker/1:2', context: 'kernel_thread', edge: 'disk' },
    { why: 'the journal', name: 'jbd2/vda1-8', context: 'kernel_thread', edge: 'waited_for' },
  ];
  for (const { why, name, context, edge } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const other = trace.thread(name, { cpu: 1, pid: 2, process: name });
    const blockIo = trace.blockIo({ from: 10_500, issued: 10_600, to: 14_000 });
    trace.waits(other, { from: 10_400, woken: 14_000, reason: 'disk', blockIo });
    trace.waits(engine, { from: 10_000, woken: 15_000, reason: 'disk', by: other, context });
    const cause = explained(trace, trace.call(engine, 'cudaMemcpy', 10_000, 15_000, 'copy'));
    const [wait] = cause.examples[0]?.children ?? [];
    assert.equal(wait?.edge, edge, why);
    if (edge === 'disk') {
      assert.equal(cause.kind, 'lead', why);
      assert.match(cause.confidence.loweredBy[0] ?? '', /which request/);
    } else {
      assert.match(
        cause.sentence,
        /waiting for jbd2\/vda1-8 .* to write to the disk, which all that time was waiting for a read on disk vda/,
      );
    }
  }
});
