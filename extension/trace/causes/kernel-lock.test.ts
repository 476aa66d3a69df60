import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained, tree } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

import { siteOf } from './kernel-site.ts';

const MMAP = ['rwsem_down_write_slowpath', 'down_write_killable', 'vm_mmap_pgoff', 'ksys_mmap_pgoff'];
const MUNMAP = ['schedule', 'rwsem_down_write_slowpath', 'down_write_killable', '__vm_munmap'];
const INODE = ['rwsem_down_write_slowpath', 'down_write', 'ext4_file_write_iter'];

test('who let a lock of the kernel go had it, walked back through those who had waited for it themselves', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const a = trace.thread('a', { cpu: 1 });
  const b = trace.thread('b', { cpu: 2 });
  const lock = { reason: 'kernel_lock' } as const;
  trace.waits(b, { ...lock, from: 9_000, woken: 12_000, ran: 12_500, by: a, kernelStack: MUNMAP });
  trace.waits(engine, { ...lock, from: 10_000, woken: 16_000, by: b, kernelStack: MMAP });
  const cause = explained(trace, trace.call(engine, 'cudaMalloc', 10_000, 16_000, 'allocate'));
  assert.equal(
    tree(cause),
    [
      'slow_call engine 10000-16000',
      '  kernel_lock engine 10000-16000',
      '    held_by a 10000-12000',
      '      on_cpu a 10000-12000',
      '    hand_off b 12000-12500',
      '      runnable b 12000-12500',
      '    held_by b 12500-16000',
      '      on_cpu b 12500-16000',
    ].join('\n'),
  );
  assert.deepEqual(
    cause.examples[0]?.children[0]?.children.map(({ confidence }) => confidence),
    [0.7, 0.95, 0.8],
    'that a had it all the time is known from its wake-up alone',
  );
  assert.match(
    cause.sentence,
    /waiting for a lock inside the kernel \(the address space of the process\), held by b/,
  );
});

test('a holder that had waited for another lock is no link of this chain', () => {
  const cases: readonly { why: string; stack: readonly string[]; pid: number }[] = [
    { why: 'of another kind', stack: INODE, pid: 100 },
    { why: 'the address space of another process', stack: MUNMAP, pid: 200 },
  ];
  for (const { why, stack, pid } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const a = trace.thread('a', { cpu: 1, pid });
    const b = trace.thread('b', { cpu: 2, pid });
    trace.waits(b, { reason: 'kernel_lock', from: 9_000, woken: 12_000, by: a, kernelStack: stack });
    trace.waits(engine, { reason: 'kernel_lock', from: 10_000, woken: 16_000, by: b, kernelStack: MMAP });
    const cause = explained(trace, trace.call(engine, 'cudaMalloc', 10_000, 16_000, 'allocate'));
    const [held] = cause.examples[0]?.children[0]?.children ?? [];
    assert.equal(held?.thread?.name, 'b', why);
    assert.equal(held?.durationNs, 6_000_000, why);
    assert.equal(held?.confidence, 0.7, why);
  }
});

test('a lock of the kernel that has an object is cut at its unlocks', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const a = trace.thread('a', { cpu: 1 });
  const b = trace.thread('b', { cpu: 2 });
  const c = trace.thread('c', { cpu: 3 });
  const object = trace.object('kernel_lock', 9, 'ext4');
  trace.waits(c, { reason: 'kernel_lock', from: 9_000, woken: 12_000, by: a, object });
  trace.waits(engine, { reason: 'kernel_lock', from: 10_000, woken: 16_000, by: b, object });
  const cause = explained(trace, trace.call(engine, 'cudaMalloc', 10_000, 16_000, 'allocate'));
  assert.deepEqual(
    cause.examples[0]?.children[0]?.children.map(node => [node.edge, node.thread?.name, node.durationNs]),
    [
      ['held_by', 'a', 2_000_000],
      ['held_by', 'b', 4_000_000],
    ],
  );
});

test('no waker that was a task: the lock is said, its holder is not', () => {
  const trace = new FixtureTrace(50_000);
  const engine = trace.thread('engine', { cpu: 0 });
  const borrowed = trace.thread('borrowed', { cpu: 1 });
  trace.waits(engine, {
    reason: 'kernel_lock',
    from: 10_000,
    woken: 16_000,
    by: borrowed,
    context: 'interrupt',
    interrupt: 'ipi',
  });
  const cause = explained(trace, trace.call(engine, 'cudaMalloc', 10_000, 16_000, 'allocate'));
  assert.equal(
    tree(cause),
    'slow_call engine 10000-16000\n  kernel_lock engine 10000-16000\n    unexplained engine 10000-16000',
  );
});

test('the lock is named by who asked for it', () => {
  const cases: readonly (readonly [readonly string[], string | undefined])[] = [
    [MMAP, 'the address space of the process'],
    [
      ['rwsem_down_read_slowpath', 'down_read', 'find_active_uprobe_rcu', 'handle_swbp'],
      'the address space of the process, asked for by a probe of this capture',
    ],
    [['__schedule', ...MUNMAP], 'the address space of the process'],
    [INODE, 'in ext4_file_write_iter'],
    [['__mutex_lock.constprop.0', 'mutex_lock', 'pipe_write'], 'in pipe_write'],
    [['schedule'], undefined],
    [[], undefined],
  ];
  for (const [names, expected] of cases) {
    const frames = names.map(name => ({ kind: 'kernel', function: name, file: undefined, line: undefined }));
    assert.equal(siteOf(frames), expected, names.join(' < '));
  }
});
