// `node scripts/truth.mjs [--runs N]`: captures the demo N times in both variants, and prints what Wakechain says of the
// time that `engine` waited for the lock, and of the part that `tokenizer` was runnable, beside the demo's own log.

import { parseArgs } from 'node:util';
import { captureDemo } from './demo.ts';
import { type ExplainedWait, explainWaits } from './explain-waits.ts';
import { withFolder } from './programs.ts';
import { addLockTimes, agrees, competitors, everyNode, type LockTime, unconservedNs } from './truth.ts';

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '10' } } });
const runs = Number(options.runs);

type Measure = keyof LockTime;
const measures: readonly Measure[] = ['blockedNs', 'holderRunnableNs'];

const milliseconds = (ns: number): string => (ns / 1e6).toFixed(2);

/** said, true, difference of a sum; and the worst single difference. */
function columns(waits: readonly ExplainedWait[], what: Measure): string[] {
  const said = addLockTimes(waits.map(wait => wait.said))[what];
  const truth = addLockTimes(waits.map(wait => wait.true))[what];
  const worst = Math.max(0, ...waits.map(wait => Math.abs(wait.said[what] - wait.true[what])));
  const share = truth === 0 ? '' : `${(((said - truth) / truth) * 100).toFixed(2)} %`;
  return [milliseconds(said), milliseconds(truth), share, `${(worst / 1000).toFixed(0)} us`];
}

const head = ['variant', 'run', 'waits', 'lock said', 'true', 'diff', 'worst'];
head.push('runnable said', 'true', 'diff', 'worst', 'top cause', 'conserved', 'verdict');
const width = (column: number): number => Math.max(9, head[column]?.length ?? 0);
const print = (cells: readonly string[]): void =>
  console.log(cells.map((cell, column) => cell.padStart(width(column))).join('  '));

console.log('Times in ms: sums over all waits of a run; "worst" is the largest difference of one wait.\n');
print(head);
let failed = 0;
for (const variant of ['call', 'gap'] as const)
  for (let run = 1; run <= runs; run++)
    await withFolder(async folder => {
      const demo = await captureDemo(folder, { variant, how: 'pid', spinner: true, idleWorker: false });
      const waits = await explainWaits(demo.trace, demo.truth);
      const [top] = demo.causes.causes;
      const example = top?.examples[0];
      const holders = example === undefined ? [] : everyNode(example).filter(node => node.edge === 'held_by');
      const [competitor] = example === undefined ? [] : [...competitors(example)].sort((a, b) => b[1] - a[1]);
      const names = `${holders[0]?.thread?.name}<${competitor?.[0]}`;
      const trees = [...waits.map(wait => wait.tree), ...demo.causes.causes.flatMap(cause => cause.examples)];
      const conserved = trees.every(tree => unconservedNs(tree) === 0);
      const said = addLockTimes(waits.map(wait => wait.said));
      const truth = addLockTimes(waits.map(wait => wait.true));
      const right =
        waits.length > 0 &&
        conserved &&
        names === 'tokenizer<spinner' &&
        measures.every(what => agrees(said[what], truth[what]));
      if (!right) failed++;
      const numbers = measures.flatMap(what => columns(waits, what));
      print([
        variant,
        `${run}`,
        `${waits.length}`,
        ...numbers,
        names,
        conserved ? 'exactly' : 'NO',
        right ? 'agrees' : 'NO',
      ]);
    });
console.log(`\n${2 * runs - failed} of ${2 * runs} runs agree within the larger of 5 % and 200 us`);
process.exitCode = failed > 0 ? 1 : 0;
