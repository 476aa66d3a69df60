// What tracing adds to a CUDA call, against the bare call and against an empty pair of uprobes on a function that does
// nothing, attached by bpftrace in the same run. A launch is two traced calls: the runtime's, and the driver's inside it.

import { join } from 'node:path';
import { alone, captured, inFolder, Program, workload } from './programs.ts';
import { type Bench, times, us } from './report.ts';

const count = ['--count', '300000'];

export const calls: Bench = async root => {
  const program = workload(root, 'calls');
  const [bare] = await alone(program, count);
  const traced = await inFolder(async folder => {
    const { workload: lines } = await captured(root, program, count, [
      '--output',
      join(folder, 'calls.wakechain.db'),
      '--overhead-percent',
      '0',
    ]);
    return lines.find(line => 'call_ns' in line);
  });
  const empty = await emptyPair(program);
  const bareNs = Number(bare?.['call_ns']);
  const addedNs = (Number(traced?.['call_ns']) - bareNs) / 2;
  const pairNs = empty - Number(bare?.['empty_ns']);
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
async function emptyPair(program: string): Promise<number> {
  const target = new Program(program, [...count, '--wait-start']);
  await target.line(line => String(line['text']).startsWith('ready'));
  const probes = `uprobe:${program}:empty_call { } uretprobe:${program}:empty_call { } BEGIN { printf("attached\\n"); }`;
  const tracer = new Program('bpftrace', ['-B', 'line', '-e', probes]);
  await tracer.line(line => line['text'] === 'attached');
  target.say('go');
  const { lines } = await target.ended;
  tracer.child.kill('SIGINT');
  await tracer.ended;
  return Number(lines.find(line => 'empty_ns' in line)?.['empty_ns']);
}
