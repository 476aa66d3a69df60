// Makes the sample trace, media/sample.wakechain.db: a short capture of the demo, as it was, but for what says whose
// machine it was made on: names and command lines of processes that have no part in the story, paths, the host's name.
//
//   node scripts/sample.mjs        needs the right to load eBPF, and a quiet machine

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAll } from './build.mjs';
import { collectorPath } from './collector.mjs';
import { main, node24, root, run, typescriptFlags } from './lib/shell.mjs';

await main(async () => {
  await buildAll({ quick: true });
  run('node', [join(root, 'test/workloads/build.mjs')]);
  const folder = mkdtempSync(join(tmpdir(), 'wakechain-sample-'));
  try {
    const raw = join(folder, 'raw.wakechain.db');
    const demo = join(root, 'test/build/workloads/demo');
    const command = [demo, '--variant', 'call', '--duration', '0.8', '--log', join(folder, 'log')];
    run(collectorPath(process.arch), ['capture', '--output', raw, '--', ...command]);
    const output = join(root, 'media', 'sample.wakechain.db');
    run(node24, [...typescriptFlags, join(root, 'scripts/demo/anonymize.ts'), raw, output], { show: true });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
