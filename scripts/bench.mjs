// npm run bench [-- NAME...] [--json FILE]: measures, and prints what, target, measured, rival in the same run, ratio.
// Never fails for being slow. Each file of test/bench/ is one bench. The collector is built as it is shipped (release).

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './lib/arguments.mjs';
import { buildWorkloads, main, root, runTypeScript } from './lib/shell.mjs';
import { ensure, needs } from './setup.mjs';

const names = readdirSync(join(root, 'test', 'bench'))
  .filter(name => name.endsWith('.ts'))
  .map(name => name.slice(0, -'.ts'.length));

const usage = `Usage: npm run bench -- [NAME...] [--json FILE]

Measures, and prints a table: what, target, measured, rival in the same run, ratio.
  NAME         of ${names.join(', ')}; all when left out
  --json FILE  write the rows of the table there, too`;

await main(async () => {
  const { values, positionals } = readArguments({ usage, options: { json: { type: 'string' } }, names });
  await ensure([...needs.quick, 'browser', 'oracles']);
  const { buildAll } = await import('./build.mjs');
  await buildAll({ quick: true, release: true });
  buildWorkloads();
  const chosen = positionals.length > 0 ? names.filter(name => positionals.includes(name)) : names;
  const json = values.json === undefined ? [] : ['--json', values.json];
  return runTypeScript('scripts/bench/main.ts', [...chosen, ...json]);
});
