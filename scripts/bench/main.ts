// Runs the benches that are named, one after the other, and prints the table. Each is a file of test/bench/ that exports
// its `bench`.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { collector, root } from '../../test/lib/programs.ts';
import { type Bench, type Row, table } from './report.ts';

const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });

const rows: Row[] = [];
for (const name of positionals) {
  console.error(`${name} ...`);
  try {
    const module = (await import(`../../test/bench/${name}.ts`)) as { readonly bench: Bench };
    rows.push(...(await module.bench(root)));
  } catch (error) {
    rows.push({
      what: name,
      target: '',
      measured: `failed: ${error instanceof Error ? error.message : error}`,
      rival: '',
      ratio: '',
    });
  }
}
const version: unknown = JSON.parse(execFileSync(collector, ['version', '--json'], { encoding: 'utf8' }));
console.log(`\ncollector: release build for this processor: ${JSON.stringify(version)}\n\n${table(rows)}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
