// npm run demo: sets up what is missing, builds, captures a workload whose trouble is known, prints the cause, and opens
// the trace. No GPU needed.

import { oneOf, readArguments } from './lib/arguments.mjs';
import { buildWorkloads, main, runTypeScript } from './lib/shell.mjs';
import { ensure, needs } from './setup.mjs';

const usage = `Usage: npm run demo -- [--no-open] [--variant call|gap]

Captures a workload whose trouble is known (no GPU needed), prints the causes, opens the trace.
  --no-open             print only
  --variant call|gap    the lock is taken inside the launch (call: a slow call; the default) or before it (gap: a slow gap)`;

await main(async () => {
  const { values } = readArguments({
    usage,
    options: { 'no-open': { type: 'boolean' }, variant: { type: 'string', default: 'call' } },
  });
  const variant = oneOf(values.variant, '--variant', ['call', 'gap']);
  await ensure(needs.quick);
  const { buildAll } = await import('./build.mjs');
  await buildAll({ quick: true });
  buildWorkloads();
  return runTypeScript('scripts/demo/main.ts', [
    '--variant',
    variant,
    ...(values['no-open'] ? ['--no-open'] : []),
  ]);
});
