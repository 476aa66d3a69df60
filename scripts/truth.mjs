// The demo's numbers against its own log, run after run: what was measured, what was true, the difference.
//
//   node scripts/truth.mjs [--runs 10]        needs dist/ (npm run build -- --quick) and the right to load eBPF

import { join } from 'node:path';
import { main, node24, root, runLive, typescriptFlags } from './lib/shell.mjs';

await main(async () => {
  const table = join(root, 'test/lib/truth-table.ts');
  const { status } = await runLive(node24, [...typescriptFlags, table, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  return status;
});
