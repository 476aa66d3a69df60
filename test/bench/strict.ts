// The strict block and wake loop: alone, as the target of a capture, as somebody else's process, and under offcputime
// of libbpf-tools. Two switches and two wakes a round trip, so what is added is halved.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alone, captured, printed } from '../../scripts/bench/programs.ts';
import { type Bench, times, us } from '../../scripts/bench/report.ts';
import { startCapture } from '../lib/capture.ts';
import { Program, withFolder } from '../lib/programs.ts';

const rounds = ['--rounds', '100000'];
const roundTripAlone = async (): Promise<number> => printed(await alone('strict', rounds), 'round_trip_ns');

export const bench: Bench = async () => {
  const before = await roundTripAlone();
  const asTarget = await withFolder(async folder => {
    const output = join(folder, 'strict.wakechain.db');
    return printed((await captured('strict', rounds, ['--output', output])).workload, 'round_trip_ns');
  });
  const asOther = await withFolder(async folder => {
    const output = join(folder, 'other.wakechain.db');
    const capture = await startCapture(['--all', '--duration', '120', '--control-stdin', '--output', output]);
    const roundTrip = await roundTripAlone();
    capture.program.say('stop');
    await capture.finished;
    return roundTrip;
  });
  const rival = await underOffcputime();
  const base = Math.min(before, await roundTripAlone());
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

async function underOffcputime(): Promise<number> {
  const tracer = new Program('/usr/sbin/offcputime', ['60']);
  await sleep(2500); // it says nothing when its probes are in
  const roundTrip = await roundTripAlone();
  tracer.kill('SIGINT');
  const status = await tracer.ended;
  if (status !== 0) throw new Error(`offcputime ended with ${status}: ${tracer.words}`);
  return roundTrip;
}
