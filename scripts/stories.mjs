// npm run stories [-- NAME...] [--runs N] [--json FILE]: captures known troubles for real, and prints how much of the
// time that Wakechain blames is blamed rightly (precision), how much of the true delays it names (recall), and whether
// its trees add up. The stories are in test/lib/stories.ts.

import { join } from 'node:path';
import { main, node24, root, run, runLive, typescriptFlags } from './lib/shell.mjs';
import { ensure, needs } from './setup.mjs';

await main(async () => {
  await ensure(needs.quick);
  const { buildAll } = await import('./build.mjs');
  await buildAll({ quick: true });
  run('node', [join(root, 'test/workloads/build.mjs')]);
  const args = [...typescriptFlags, join(root, 'test/lib/stories.ts'), ...process.argv.slice(2)];
  return (await runLive(node24, args, { stdio: 'inherit' })).status;
});
