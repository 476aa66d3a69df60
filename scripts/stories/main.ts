// Captures the stories run by run, so that what is there after an hour covers them all; prints a line for each, then the
// table, and what was said wrongly. The runs are appended to the file of --json as they end.

import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { collector, root } from '../../test/lib/programs.ts';
import { type Outcome, runStories } from '../../test/lib/run-story.ts';
import { grouped, isQuiet, loadStory, storyNames, type Telling } from '../../test/lib/tell.ts';
import { buildOf, filesIn } from './build-id.ts';
import { type Run, summaries, textTable, truthPage, wrongs } from './report.ts';

const SECONDS = 1.5;
/** The programs of a group wait for their turn, a minute at most. */
const GROUP = 8;

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '1' }, json: { type: 'string' } },
  allowPositionals: true,
});
const names = storyNames().filter(name => positionals.length === 0 || positionals.includes(name));
const stories = new Map(await Promise.all(names.map(async name => [name, await loadStory(name)] as const)));
const build = buildOf(
  collector,
  join(root, 'dist', 'query.js'),
  ...['stories', 'lib', 'workloads'].flatMap(folder => filesIn(join(root, 'test', folder))),
);

const isRun = (value: unknown): value is Run =>
  typeof value === 'object' && value !== null && 'story' in value;

function earlier(): Run[] {
  if (values.json === undefined || !existsSync(values.json)) return [];
  const lines = readFileSync(values.json, 'utf8').split('\n').filter(Boolean);
  const all = lines.map(line => JSON.parse(line) as unknown).filter(isRun);
  const ours = all.filter(
    run => run.build === build && stories.has(run.story) && run.run <= Number(values.runs),
  );
  if (all.length > 0)
    console.log(
      `${values.json}: ${ours.length} runs of this build, ${all.length - ours.length} others left alone\n`,
    );
  return ours;
}

const runs = earlier();
const known = new Set(runs.map(run => `${run.story} ${run.twin} ${run.run}`));
const told = [...stories].flatMap(([name, story]) =>
  (isQuiet(story) ? [true] : [false, true]).map(twin => ({ name, story, twin })),
);
for (let number = 1; number <= Number(values.runs); number++) {
  const left = told.filter(({ name, twin }) => !known.has(`${name} ${twin} ${number}`));
  for (const group of grouped(left, GROUP)) {
    const began = Date.now();
    try {
      const outcomes = await runStories(group, SECONDS);
      for (const [i, outcome] of outcomes.entries()) {
        const telling = group[i];
        if (telling !== undefined) keep(telling, number, outcome);
      }
    } catch (error) {
      console.log(`run ${number} failed: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
    console.log(`  ${group.length} in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
}

function keep({ name, twin }: Telling, number: number, outcome: Outcome): void {
  const run = { story: name, twin, run: number, build, date: new Date().toISOString(), ...outcome };
  runs.push(run);
  if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify(run)}\n`);
  const share = (of: number) => (of === 0 ? '   -' : `${((100 * run.rightNs) / of).toFixed(1)} %`);
  const what = twin
    ? `${run.falseFindings.length} false findings${run.borneOut.length > 0 ? `, ${run.borneOut.length} that perf bears out` : ''}`
    : `${run.delays} delays, precision ${share(run.blamedNs)}, recall ${share(run.trueNs)}, top ${run.topRight ? 'right' : 'WRONG'}`;
  console.log(`${`${name}${twin ? ', twin' : ''}`.padEnd(32)} run ${number}: ${what}`);
}

const summary = summaries(
  [...stories].map(([name, story]) => ({ name, about: story.about, quiet: isQuiet(story) })),
  runs,
);
console.log(`\n${textTable(summary)}\n\n${wrongs(summary)}`);
if (positionals.length === 0) {
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(join(root, 'docs', 'truth.md'), truthPage(summary));
  console.log('docs/truth.md is written');
}
if (summary.some(({ unconserved, falseFindings }) => unconserved > 0 || falseFindings.length > 0))
  process.exitCode = 1;
