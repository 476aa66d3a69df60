// What tracing adds to a CUDA call, against the bare call and against an empty pair of uprobes on a function that does
// nothing, attached by bpftrace in the same run. A launch is two traced calls: the runtime's, and the driver's inside it.

import { join } from 'node:path';
import { alone, captured, objectsOf, printed, workload } from '../../scripts/bench/programs.ts';
import { type Bench, times, us } from '../../scripts/bench/report.ts';
import { Program, startWorkload, withFolder } from '../lib/programs.ts';

const count = ['--count', '300000'];

export const bench: Bench = async () => {
  const bare = await alone('calls', count);
  const traced = await withFolder(async folder => {
    const output = ['--output', join(folder, 'calls.wakechain.db'), '--overhead-percent', '0'];
    return (await captured('calls', count, output)).workload;
  });
  const bareNs = printed(bare, 'call_ns');
  const addedNs = (printed(traced, 'call_ns') - bareNs) / 2;
  const pairNs = (await emptyPair()) - printed(bare, 'empty_ns');
  return [
    { what: 'bare cudaLaunchKernel (stand-in)', target: '', measured: us(bareNs), rival: '', ratio: '' },
    { what: 'empty uprobe pair (bpftrace)', target: '', measured: us(pairNs), rival: '', ratio: '' },
    {
      what: 'traced call, no stack: added',
      target: 'empty pair + 0.3 us',
      measured: us(addedNs),
      rival: `empty pair ${us(pairNs)}`,
      ratio: times(addedNs / pairNs),
    },
  ];
};

/** Nanoseconds of `empty_call` under an entry and a return probe that do nothing. */
async function emptyPair(): Promise<number> {
  const program = workload('calls');
  const target = await startWorkload('calls', count);
  const probes = `uprobe:${program}:empty_call { } uretprobe:${program}:empty_call { } BEGIN { printf("attached\\n"); }`;
  const tracer = new Program('bpftrace', ['-B', 'line', '-e', probes]);
  try {
    await tracer.line(line => (line === 'attached' ? true : undefined), 'line "attached"');
    target.say('go');
    return printed(await objectsOf(target), 'empty_ns');
  } finally {
    target.kill();
    tracer.kill('SIGINT');
    await tracer.ended;
  }
}
