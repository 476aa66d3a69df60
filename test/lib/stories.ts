// The ground-truth stories: for each run of each, a real capture, and its explanations held against the truth that the
// workload logged.
//
// B is the time of true waits whose deepest leaf names the right victim, culprit, object and kind: `engine` waits for the
// lock that `tokenizer` holds, which is runnable behind `spinner` while its log says that it was off the CPU, and running
// while it says that it computed.
//   precision = B / time of the explained waits that was given to a leaf other than `unexplained`
//   recall    = B / time of the true waits

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { CauseNode } from '../../extension/trace/api.ts';
import { captureDemo } from './demo.ts';
import { explainWaits } from './explain-waits.ts';
import { withFolder } from './programs.ts';
import { competitors, leaves, type Truth, topmost, unconservedNs, type Wait } from './truth.ts';

interface Story {
  readonly variant: 'call' | 'gap';
  /** false: the quiet twin, in which nobody competes for the holder's CPU. */
  readonly spinner: boolean;
}

const stories: Readonly<Record<string, Story>> = {
  'holder-preempted-call': { variant: 'call', spinner: true },
  'holder-preempted-gap': { variant: 'gap', spinner: true },
  'holder-preempted-call-quiet': { variant: 'call', spinner: false },
  'holder-preempted-gap-quiet': { variant: 'gap', spinner: false },
};

interface Result {
  readonly story: string;
  readonly run: number;
  readonly waits: number;
  readonly precision: number;
  readonly recall: number;
  readonly unconservedNs: number;
  /** Competitors that the causes of a quiet twin blame, which is a fault when it is the story's own. */
  readonly blamedInTwin: readonly string[];
}

const overlapNs = (leaf: CauseNode, from: number, to: number): number =>
  Math.max(0, Math.min(leaf.startNs + leaf.durationNs, to) - Math.max(leaf.startNs, from));

/** Time of a leaf, under the right holder of the right lock, that says what the log says. */
function rightNs(leaf: CauseNode, wait: Wait, truth: Truth): number {
  const within = overlapNs(leaf, wait.startNs, wait.endNs);
  const off = truth.holds
    .flatMap(hold => hold.off)
    .reduce(
      (sum, stretch) =>
        sum + overlapNs(leaf, Math.max(stretch.startNs, wait.startNs), Math.min(stretch.endNs, wait.endNs)),
      0,
    );
  if (leaf.state === 'runnable') return leaf.thread?.process === 'spinner' ? off : 0;
  return leaf.state === 'running' ? within - off : 0;
}

async function runOnce(name: string, story: Story, run: number): Promise<Result> {
  return withFolder(async folder => {
    const demo = await captureDemo(folder, { ...story, how: 'pid', idleWorker: false });
    const waits = await explainWaits(demo.trace, demo.truth);
    let right = 0;
    let blamed = 0;
    let whole = 0;
    for (const { wait, tree } of waits) {
      whole += wait.endNs - wait.startNs;
      blamed += leaves(tree)
        .filter(leaf => leaf.state !== 'unexplained')
        .reduce((sum, leaf) => sum + overlapNs(leaf, wait.startNs, wait.endNs), 0);
      const held = topmost(tree, node => node.edge === 'lock' && node.thread?.name === 'engine').flatMap(
        lock => topmost(lock, node => node.edge === 'held_by' && node.thread?.name === 'tokenizer'),
      );
      right += held.flatMap(leaves).reduce((sum, leaf) => sum + rightNs(leaf, wait, demo.truth), 0);
    }
    const trees = [...waits.map(wait => wait.tree), ...demo.causes.causes.flatMap(cause => cause.examples)];
    const blamedInTwin = story.spinner
      ? []
      : demo.causes.causes
          .filter(cause => cause.kind === 'cause')
          .flatMap(cause => cause.examples.flatMap(example => [...competitors(example).keys()]))
          .filter(process => process === 'spinner');
    return {
      story: name,
      run,
      waits: waits.length,
      precision: blamed === 0 ? 0 : right / blamed,
      recall: whole === 0 ? 0 : right / whole,
      unconservedNs: trees.reduce((sum, tree) => sum + Math.abs(unconservedNs(tree)), 0),
      blamedInTwin,
    };
  });
}

const { values: options, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '1' }, json: { type: 'string' } },
  allowPositionals: true,
});
const runs = Number(options.runs);

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(9);
const results: Result[] = [];
console.log(`${'story'.padEnd(28)}  run  waits  precision     recall  conserved`);
for (const [name, story] of Object.entries(stories)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  for (let run = 1; run <= runs; run++) {
    const result = await runOnce(name, story, run);
    results.push(result);
    const conserved = result.unconservedNs === 0 ? 'exactly' : `off by ${result.unconservedNs} ns`;
    const twin = result.blamedInTwin.length > 0 ? `  blames ${result.blamedInTwin.join(', ')}` : '';
    console.log(
      `${name.padEnd(28)}  ${String(run).padStart(3)}  ${String(result.waits).padStart(5)}  ${percent(result.precision)}  ${percent(result.recall)}  ${conserved}${twin}`,
    );
  }
}
const mean = (of: (result: Result) => number): number =>
  results.reduce((sum, result) => sum + of(result), 0) / results.length;
console.log(
  `\nmean precision ${percent(mean(r => r.precision)).trim()}, mean recall ${percent(mean(r => r.recall)).trim()}`,
);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
process.exitCode = results.some(result => result.unconservedNs !== 0 || result.blamedInTwin.length > 0)
  ? 1
  : 0;
