// npm run demo: sets up what is missing, builds, captures a workload whose trouble is known, prints the cause, and opens
// the trace. No GPU needed. `-- --no-open` only prints; `-- --variant gap` takes the lock before the launch.

import { join } from 'node:path';
import { main, node24, root, run, runLive, Told, typescriptFlags } from './lib/shell.mjs';
import { ensure, needs } from './setup.mjs';

await main(async () => {
  const options = process.argv.slice(2);
  await ensure(needs.quick);
  const { buildAll } = await import('./build.mjs');
  await buildAll({ quick: true });
  run('node', [join(root, 'test/workloads/build.mjs')]);
  const { status } = await runLive(
    node24,
    [...typescriptFlags, join(root, 'scripts/demo/main.ts'), ...options],
    {
      stdio: 'inherit',
    },
  ).catch(error => {
    throw new Told(`the demo could not be started: ${error.message}`);
  });
  return status;
});
