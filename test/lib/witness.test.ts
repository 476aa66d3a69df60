// Waits for a CPU as `perf script` tells them: from a wake-up or a preemption until the thread has its CPU.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWaits, readTimehist } from './witness.ts';

const line = (current: number, seconds: string, event: string, text: string) =>
  `   ${current}     ${seconds}:  sched:${event}: ${text}`;
const sw = (seconds: string, previous: number, state: string, next: number) =>
  line(
    previous,
    seconds,
    'sched_switch',
    `prev_comm=a b prev_pid=${previous} prev_prio=120 prev_state=${state} ==> next_comm=c next_pid=${next} next_prio=120`,
  );
const wake = (seconds: string, tid: number) =>
  line(9, seconds, 'sched_wakeup', `comm=x y pid=${tid} prio=120 target_cpu=001`);

const cases: readonly [string, readonly string[], readonly (readonly [number, number])[]][] = [
  ['preempted', [sw('10.000000100', 7, 'R', 8), sw('10.000000900', 8, 'S', 7)], [[100, 900]]],
  [
    'slept, then woken',
    [sw('10.000000100', 7, 'S', 8), wake('10.000000300', 7), sw('10.000000900', 8, 'R+', 7)],
    [[300, 900]],
  ],
  [
    'woken twice before it ran',
    [wake('10.000000300', 7), wake('10.000000500', 7), sw('10.000000900', 8, 'S', 7)],
    [[300, 900]],
  ],
  [
    'its arrival was hidden: it waited no longer than until it did something',
    [sw('10.000000100', 7, 'R', 8), sw('10.000000700', 7, 'S', 8)],
    [[100, 700]],
  ],
  ['never given a CPU', [sw('10.000000100', 7, 'R', 8)], []],
];

for (const [name, lines, expected] of cases)
  test(name, () => {
    const waits = parseWaits(lines.join('\n')).get(7) ?? [];
    assert.deepEqual(
      waits.map(({ startNs, endNs }) => [startNs - 10e9, endNs - 10e9]),
      expected,
    );
  });

test('waits of `perf sched timehist`: preempted ones by the line before, and those after a wake-up', () => {
  const said =
    readTimehist(`           time    cpu  task name                       wait time  sch delay   run time  state
                        [tid/pid]                          (msec)     (msec)     (msec)
--------------- ------  ------------------------------  ---------  ---------  ---------  -----
      10.000000 [0001]  a b[7/6]                            9.000      3.000      0.077      D
      10.002000 [0000]  engine[7/6]                         1.500      0.250      2.035      R
      10.009000 [0000]  engine[7/6]                         4.000      0.000      7.990      S
      10.010000 [0000]  engine[7/6]                         5.000      0.125      7.990      R
`);
  assert.deepEqual(said, { startNs: 10e9, endNs: 10.01e9, waitedNs: 4.375e6 });
});
