// npm run stories: captures known troubles for real, and holds what Wakechain says of them against their own logs. Each
// file of test/stories/ is one story.

import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readArguments, wholeNumber } from './lib/arguments.mjs';
import { buildWorkloads, main, root, runTypeScript } from './lib/shell.mjs';
import { ensure, needs } from './setup.mjs';

const names = readdirSync(join(root, 'test', 'stories'))
  .filter(name => name.endsWith('.ts'))
  .map(name => name.slice(0, -'.ts'.length));

const usage = `Usage: npm run stories -- [NAME...] [--runs N] [--json FILE]

Captures known troubles and their quiet twins, and prints for each how much of the time that Wakechain blames is blamed
rightly (precision), how much of the true delays it names (recall), and whether its trees add up. Without a name it
writes docs/truth.md, too.
  NAME         of ${names.join(', ')}
  --runs N     how often each is captured; 1 when left out
  --json FILE  a line for each run, written as it ends; runs that are in it already, of this very build, are not repeated:
               what was cut off goes on. With more than one run test/build/stories.jsonl when left out`;

await main(async () => {
  const { values, positionals } = readArguments({
    usage,
    options: { runs: { type: 'string', default: '1' }, json: { type: 'string' } },
    names,
  });
  const runs = wholeNumber(values.runs, '--runs', 1000);
  await ensure([...needs.quick, 'oracles']);
  const { buildAll } = await import('./build.mjs');
  await buildAll({ quick: true });
  buildWorkloads();
  const file = values.json ?? (runs > 1 ? join(root, 'test', 'build', 'stories.jsonl') : undefined);
  const json = file === undefined ? [] : ['--json', resolve(file)];
  return runTypeScript('scripts/stories/main.ts', [...positionals, '--runs', String(runs), ...json]);
});
