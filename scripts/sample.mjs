// Makes the sample trace, media/sample.wakechain.db: a short capture of the demo, as it was, but for what says whose
// machine it was made on: names and command lines of processes that have no part in the story, paths, the host's name.
// Then the pictures of README.md, of that trace.
//
//   node scripts/sample.mjs        needs the right to load eBPF, and a quiet machine

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAll } from './build.mjs';
import { collectorPath } from './collector.mjs';
import { readArguments } from './lib/arguments.mjs';
import { buildWorkloads, main, root, run, runTypeScript } from './lib/shell.mjs';

await main(async () => {
  readArguments({
    usage:
      'Usage: node scripts/sample.mjs\n\nMakes media/sample.wakechain.db anew, and the pictures of README.md.',
  });
  await buildAll({ quick: true });
  buildWorkloads();
  const folder = mkdtempSync(join(tmpdir(), 'wakechain-sample-'));
  try {
    const raw = join(folder, 'raw.wakechain.db');
    const demo = join(root, 'test/build/workloads/demo');
    const command = [demo, '--variant', 'call', '--duration', '0.8', '--log', join(folder, 'log')];
    run(collectorPath(process.arch), ['capture', '--output', raw, '--', ...command]);
    const output = join(root, 'media', 'sample.wakechain.db');
    const status = await runTypeScript('scripts/demo/anonymize.ts', [raw, output]);
    if (status !== 0) return status;
    chmodSync(output, 0o644);
    return await runTypeScript('scripts/demo/pictures.ts', [output, join(root, 'media')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
