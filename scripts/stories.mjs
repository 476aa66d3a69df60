// npm run stories [-- NAME...] [--runs N] [--json FILE]: captures known troubles for real, and prints how much of the
// time that Wakechain blames is blamed rightly (precision), how much of the true delays it names (recall), and whether
// its trees add up. The stories are in test/lib/stories.ts.

import { resolve } from 'node:path';
import { readArguments, wholeNumber } from './lib/arguments.mjs';
import { buildWorkloads, main, runTypeScript } from './lib/shell.mjs';
import { ensure, needs } from './setup.mjs';

const names = ['call', 'gap'].flatMap(variant => [
  `holder-preempted-${variant}`,
  `holder-preempted-${variant}-quiet`,
]);

const usage = `Usage: npm run stories -- [NAME...] [--runs N] [--json FILE]

Captures known troubles and their quiet twins, and prints for each how much of the time that Wakechain blames is blamed
rightly (precision), how much of the true delays it names (recall), and whether its trees add up.
  NAME         of ${names.join(', ')}
  --runs N     how often each is captured; 1 when left out
  --json FILE  all results, written at the end`;

await main(async () => {
  const { values, positionals } = readArguments({
    usage,
    options: { runs: { type: 'string', default: '1' }, json: { type: 'string' } },
    names,
  });
  const runs = wholeNumber(values.runs, '--runs', 1000);
  await ensure(needs.quick);
  const { buildAll } = await import('./build.mjs');
  await buildAll({ quick: true });
  buildWorkloads();
  const json = values.json === undefined ? [] : ['--json', resolve(values.json)];
  return runTypeScript('test/lib/stories.ts', [...positionals, '--runs', String(runs), ...json]);
});
