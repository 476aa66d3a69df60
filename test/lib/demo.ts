// One capture of the demo workload: the trace, its causes by way of MCP, and the truth in the trace's own time.

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CausesResult } from '../../extension/trace/api.ts';
import { startCapture } from './capture.ts';
import { withTrace } from './explain-waits.ts';
import { causalChains } from './mcp.ts';
import { buildWorkloads, startWorkload, workloads } from './programs.ts';
import { TraceFile } from './trace-file.ts';
import { parseLog, parseTruth, type Truth } from './truth.ts';

export interface DemoOptions {
  readonly variant: 'call' | 'gap';
  /** `pid`: the demo runs, and is attached to. `command`: the collector starts it. */
  readonly how: 'pid' | 'command';
  readonly spinner: boolean;
  readonly idleWorker: boolean;
}

export interface DemoRun {
  readonly trace: string;
  readonly truth: Truth;
  /** As an agent gets them over MCP, its trees cut to fit an answer. */
  readonly chains: CausesResult;
  /** Whole, from the query process. */
  readonly causes: CausesResult;
}

/** The demo runs shorter than the capture, so that all of it lies inside. */
const DEMO_SECONDS = '1.7';
const CAPTURE_SECONDS = '2';

export async function captureDemo(folder: string, options: DemoOptions): Promise<DemoRun> {
  buildWorkloads();
  mkdirSync(folder, { recursive: true });
  const trace = join(folder, 'demo.wakechain.db');
  const log = join(folder, 'demo.log');
  const demo = ['--variant', options.variant, '--duration', DEMO_SECONDS, '--log', log];
  if (!options.spinner) demo.push('--no-spinner');
  if (options.idleWorker) demo.push('--idle-worker');

  if (options.how === 'command') {
    const capture = await startCapture(['--output', trace, '--', join(workloads, 'demo'), ...demo]);
    await capture.finished;
  } else {
    const program = await startWorkload('demo', demo);
    try {
      const target = ['--pid', String(program.pid)];
      const capture = await startCapture(['--output', trace, '--duration', CAPTURE_SECONDS, ...target]);
      program.say('go');
      await Promise.all([capture.finished, program.ended]);
    } finally {
      program.kill();
    }
  }
  const file = new TraceFile(trace);
  try {
    const truth = parseTruth(parseLog(readFileSync(log, 'utf8')), file.startUnixNs);
    const causes = await withTrace(trace, open => open.call('causes', {}));
    return { trace, truth, causes, chains: await causalChains(folder) };
  } finally {
    file.close();
  }
}
