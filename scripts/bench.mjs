// npm run bench [-- NAME...] [--json FILE]: measures, and prints what, target, measured, rival in the same run, ratio.
// Never fails for being slow. The measuring is in test/bench/.

import { join } from 'node:path';
import { main, node24, root, run, runLive, typescriptFlags } from './lib/shell.mjs';
import { ensure, needs } from './setup.mjs';

await main(async () => {
  await ensure([...needs.quick, 'browser', 'oracles']);
  const { buildAll } = await import('./build.mjs');
  await buildAll({ quick: true });
  run('node', [join(root, 'test/workloads/build.mjs')]);
  const args = [...typescriptFlags, join(root, 'test/bench/main.ts'), ...process.argv.slice(2)];
  return (await runLive(node24, args, { stdio: 'inherit' })).status;
});
