// Runs the benches that were named, or all, one after the other, and prints the table.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { calls } from './calls.ts';
import { lossless } from './lossless.ts';
import { mcp } from './mcp.ts';
import { picture } from './picture.ts';
import { type Bench, type Row, table } from './report.ts';
import { strict } from './strict.ts';

const benches: Readonly<Record<string, Bench>> = { calls, strict, lossless, mcp, picture };

const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });
const unknown = positionals.filter(name => !(name in benches));
if (unknown.length > 0) {
  console.error(`unknown bench ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}

const rows: Row[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  console.error(`${name} ...`);
  try {
    rows.push(...(await bench(join(import.meta.dirname, '..', '..'))));
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
console.log(`\n${table(rows)}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
