// The comparison itself: a log and a tree made by hand, with numbers one can add up on paper.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CauseNode, Edge, State } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import {
  agrees,
  competitors,
  parseLog,
  parseTruth,
  saidLockTime,
  trueLockTime,
  unconservedNs,
  waitsInside,
} from './truth.ts';

const log = `
{"type":"process","name":"spinner","pid":7,"cpu":0}
{"type":"thread","name":"engine","pid":5,"tid":6,"born_ns":1000}
{"type":"hold","thread":"tokenizer","tid":8,"object":"0x1","asked_ns":5000,"start_ns":5000,"end_ns":25000,"cpu_ns":9000,"runqueue_ns":11000,"off":[[6000,9000],[12000,20000]]}
{"type":"wait","thread":"engine","tid":6,"object":"0x1","start_ns":8000,"end_ns":25500,"runqueue_ns":400}
{"type":"sum","thread":"engine","tid":6,"acquisitions":10,"waits":1,"short_waits_ns":3,"runqueue_ns":700}
{"type":"workload","name":"demo","pid":5,"monotonic_ns":100000,"realtime_ns":"1700000000000100000","variant":"call","start_ns":1000,"end_ns":90000}
`;

function node(
  edge: Edge,
  state: State,
  thread: string,
  durationNs: number,
  children: CauseNode[] = [],
): CauseNode {
  return {
    edge,
    state,
    thread: { id: 1, tid: 1, pid: 1, name: thread, process: thread },
    startNs: ns(0),
    durationNs: ns(durationNs),
    label: '',
    confidence: 1,
    rows: [],
    children,
  };
}

const tree = node('slow_call', 'lock', 'engine', 18_000, [
  node('on_cpu', 'running', 'engine', 500),
  node('nested_call', 'lock', 'engine', 17_500, [
    node('lock', 'lock', 'engine', 17_000, [
      node('held_by', 'running', 'tokenizer', 16_900, [
        node('on_cpu', 'running', 'tokenizer', 7_900),
        node('runnable', 'runnable', 'tokenizer', 9_000, [
          node('behind', 'runnable', 'spinner', 8_900),
          node('behind', 'runnable', 'make', 100),
        ]),
      ]),
      node('unexplained', 'unexplained', 'engine', 100),
    ]),
    node('hand_off', 'runnable', 'engine', 500),
  ]),
]);

test('a wait ends with the release of the lock; its holder is runnable where its stretches overlap it', () => {
  const truth = parseTruth(parseLog(log), 1_700_000_000_000_002_000n);
  const [wait] = truth.waits;
  assert.ok(wait);
  // The capture began at monotonic 2000.
  assert.equal(wait.startNs, 6_000);
  assert.equal(truth.spinnerPid, 7);
  assert.deepEqual(trueLockTime(truth, wait), { blockedNs: 17_000, holderRunnableNs: 9_000 });
  assert.deepEqual(waitsInside(truth, { startNs: 0, endNs: 23_499 }), []);
  assert.equal(waitsInside(truth, { startNs: 0, endNs: 23_500 }).length, 1);
});

test('a tree says the same by its topmost lock and the runnable leaves of its holder, not by its own hand-off', () => {
  assert.deepEqual(saidLockTime(tree, 'engine', 'tokenizer'), { blockedNs: 17_000, holderRunnableNs: 9_000 });
  assert.deepEqual(saidLockTime(tree, 'engine', 'spinner'), { blockedNs: 17_000, holderRunnableNs: 0 });
  assert.deepEqual(
    [...competitors(tree)],
    [
      ['spinner', 8_900],
      ['make', 100],
    ],
  );
});

test('leaves that do not add up are seen, to the nanosecond', () => {
  assert.equal(unconservedNs(tree), 0);
  assert.equal(unconservedNs({ ...tree, durationNs: ns(18_001) }), -1);
  const cut = { ...tree, children: tree.children.slice(0, 1), leftOut: { nodes: 8, timeNs: 17_500 } };
  assert.equal(unconservedNs(cut), 0);
});

test('the tolerance is the larger of 5 % and 200 us', () => {
  assert.ok(agrees(1_200_000, 1_000_000));
  assert.ok(!agrees(1_200_001, 1_000_000));
  assert.ok(agrees(10_500_000, 10_000_000));
  assert.ok(!agrees(9_499_999, 10_000_000));
});

test('a log without its last line is refused', () => {
  assert.throws(() => parseTruth(parseLog('{"type":"wait"}'), 0n), /did the program end/);
});
