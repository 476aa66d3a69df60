// The demo's numbers against its own log, run after run: what was measured, what was true, the difference.
//
//   node scripts/truth.mjs [--runs 10]        needs dist/ (npm run build -- --quick) and the right to load eBPF

import { readArguments, wholeNumber } from './lib/arguments.mjs';
import { main, runTypeScript } from './lib/shell.mjs';

const usage = `Usage: node scripts/truth.mjs [--runs 10]

Captures the demo that many times in both variants, and prints what Wakechain says beside the demo's own log.`;

await main(async () => {
  const { values } = readArguments({ usage, options: { runs: { type: 'string', default: '10' } } });
  const runs = wholeNumber(values.runs, '--runs', 1000);
  return runTypeScript('test/lib/truth-table.ts', ['--runs', String(runs)]);
});
