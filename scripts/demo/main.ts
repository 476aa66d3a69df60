// The demo, once everything is built: check the host, capture the known trouble, ask the MCP server what it was, compare
// its answer with what the workload itself logged, open the trace. Runs on Node 24.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Cause, CauseNode, Edge } from '../../extension/trace/api.ts';
import { causalChains } from '../../test/lib/mcp.ts';
import { everyNode, parseLog, parseTruth } from '../../test/lib/truth.ts';
import { capture, checkHost } from './collector.ts';
import { openTrace } from './open.ts';

const root = join(import.meta.dirname, '..', '..');

const { values: options } = parseArgs({
  options: {
    'no-open': { type: 'boolean', default: false },
    variant: { type: 'string', default: 'call' },
  },
});

/** Nodes of a tree that came about by this edge and are about a thread or process of this name. */
const nodesWith = (tree: CauseNode, edge: Edge, name: string): CauseNode[] =>
  everyNode(tree).filter(
    node => node.edge === edge && (node.thread?.name === name || node.thread?.process === name),
  );

const milliseconds = (ns: number): string => `${(ns / 1e6).toFixed(1)} ms`;

/** The worst of the causes that say: `tokenizer` held the lock, and `spinner` had its CPU. */
function expected(causes: readonly Cause[]): Cause | undefined {
  return causes.find(
    cause =>
      cause.kind === 'cause' &&
      cause.examples.some(
        example =>
          nodesWith(example, 'held_by', 'tokenizer').length > 0 &&
          nodesWith(example, 'behind', 'spinner').length > 0,
      ),
  );
}

async function demo(): Promise<number> {
  const host = await checkHost();
  if (!host.capable) {
    console.log(`A capture cannot work here: ${host.why}`);
    const sample = join(root, 'media', 'sample.wakechain.db');
    if (options['no-open'] || !existsSync(sample)) return 1;
    console.log('Opening the sample trace instead.');
    return openTrace(root, sample);
  }

  const folder = join(root, 'out', 'demo', new Date().toISOString().replace(/[:.]/g, '-'));
  mkdirSync(folder, { recursive: true });
  const trace = join(folder, 'demo.wakechain.db');
  const log = join(folder, 'truth.jsonl');
  console.log(
    'Capturing 2 s: `engine` launches kernels, `tokenizer` shares a lock with it, `spinner` wants its CPU ...',
  );
  const finished = await capture({
    output: trace,
    command: [
      join(root, 'test/build/workloads/demo'),
      '--variant',
      options.variant,
      '--duration',
      '2',
      '--log',
      log,
    ],
  });
  console.log(`${finished.events} events, ${finished.lost} lost: ${trace}\n`);

  const { causes } = await causalChains(folder);
  for (const cause of causes.slice(0, 3))
    console.log(`${(cause.severity ?? cause.kind).padEnd(9)} ${cause.sentence}\n`);

  const found = expected(causes);
  if (found === undefined) {
    console.log(
      'The causes do not name `tokenizer` as the holder and `spinner` as its competitor: the demo has failed.',
    );
    return 1;
  }
  const worst = found.examples.find(example => nodesWith(example, 'behind', 'spinner').length > 0);
  const { waits, holds } = parseTruth(parseLog(readFileSync(log, 'utf8')), 0n);
  const waitedNs = waits.reduce((sum, wait) => sum + wait.endNs - wait.startNs, 0);
  const offCpuNs = holds.reduce((sum, hold) => sum + hold.endNs - hold.startNs - hold.cpuNs, 0);
  console.log(
    `What the workload itself logged: engine waited ${waits.length} times for the lock, ${milliseconds(waitedNs)} in all; ` +
      `tokenizer, while it held it, waited ${milliseconds(offCpuNs)} for a CPU.`,
  );
  if (worst !== undefined) {
    const behind = nodesWith(worst, 'behind', 'spinner').reduce((sum, node) => sum + node.durationNs, 0);
    console.log(
      `The worst delay took ${milliseconds(worst.durationNs)}; for ${milliseconds(behind)} of it (${Math.round((100 * behind) / worst.durationNs)} %) ` +
        'the holder `tokenizer` was waiting for a CPU behind `spinner`.',
    );
  }
  if (options['no-open']) {
    console.log(`\nThe cause: ${found.sentence}`);
    return 0;
  }
  return openTrace(root, trace);
}

process.exitCode = await demo();
