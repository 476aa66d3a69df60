// The strict block and wake loop: alone, as the target of a capture, as somebody else's process, and under offcputime
// of libbpf-tools. Two switches and two wakes a round trip, so what is added is halved.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alone, captured, collector, inFolder, Program, workload } from './programs.ts';
import { type Bench, times, us } from './report.ts';

const rounds = ['--rounds', '100000'];
const roundTrip = (lines: readonly Record<string, unknown>[]): number =>
  Number(lines.find(line => 'round_trip_ns' in line)?.['round_trip_ns']);

export const strict: Bench = async root => {
  const program = workload(root, 'strict');
  const before = roundTrip(await alone(program, rounds));
  const asTarget = await inFolder(async folder => {
    const output = join(folder, 'strict.wakechain.db');
    return roundTrip((await captured(root, program, rounds, ['--output', output])).workload);
  });
  const asOther = await inFolder(async folder => {
    const capture = new Program(collector(root), [
      'capture',
      '--all',
      '--duration',
      '120',
      '--control-stdin',
      '--output',
      join(folder, 'other.wakechain.db'),
    ]);
    await capture.line(line => line['type'] === 'started');
    const lines = await alone(program, rounds);
    capture.say('stop');
    await capture.ended;
    return roundTrip(lines);
  });
  const rival = await underOffcputime(program);
  const base = Math.min(before, roundTrip(await alone(program, rounds)));
  const added = (ns: number) => (ns - base) / 2;
  const row = (what: string, target: string, ns: number) => ({
    what,
    target,
    measured: `+${us(added(ns))} (${times(ns / base)} the loop)`,
    rival: `offcputime +${us(added(rival))}`,
    ratio: times(added(ns) / added(rival)),
  });
  return [
    { what: 'strict loop, alone, round trip', target: '', measured: us(base), rival: '', ratio: '' },
    row('switch + wake of a target, with stacks of long waits', '<= +1.0 us', asTarget),
    row("switch + wake of somebody else's thread, recorded", '<= +0.45 us', asOther),
  ];
};

async function underOffcputime(program: string): Promise<number> {
  const tracer = new Program('/usr/sbin/offcputime', ['60']);
  await sleep(2500); // it says nothing when its probes are in
  const lines = await alone(program, rounds);
  tracer.child.kill('SIGINT');
  await tracer.ended;
  return roundTrip(lines);
}
