// npm run mutate [-- WORD...]: puts deliberate faults into the rules of the causes (test/mutations/faults.mjs), one at a
// time and each in a copy of its own, runs the causes' tests there, and says which fault no test caught. A fault whose
// text is no longer in its file is an error: it must be rewritten with its rule.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faults } from '../test/mutations/faults.mjs';
import { readArguments } from './lib/arguments.mjs';
import { main, node24, root, runLive, Told, typescriptFlags } from './lib/shell.mjs';

const usage = `Usage: npm run mutate [-- WORD...]

Runs the tests of the causes once for each fault of test/mutations/faults.mjs (with WORD: whose name has it), and ends with
status 1 when one was not caught.`;

/** What the tests of the causes read, besides node_modules. */
const NEEDED = ['extension', 'test/fixtures', 'collector/schema.sql', 'package.json'];
/** Random cases of each property: the tables of cases are what must catch a fault. */
const CASES = '25';

await main(async () => {
  const { positionals } = readArguments({ usage, names: true });
  const wanted = faults.filter(({ name }) => positionals.every(word => name.includes(word)));
  if (wanted.length === 0) throw new Told(`no fault has ${positionals.join(' and ')} in its name`);
  const usual = await testsWith([]);
  if (usual.failed.length > 0 || usual.ran === 0) {
    throw new Told(
      `the tests fail without any fault: ${usual.failed.join('; ') || usual.output.slice(-2000)}`,
    );
  }
  console.log(`${usual.ran} tests pass without a fault`);
  const missed = [];
  for (const { name, edits } of wanted) {
    const { failed, ran } = await testsWith(edits);
    // A file that does not load runs fewer tests: that is a broken fault, not a caught one.
    if (ran < usual.ran) throw new Told(`"${name}": only ${ran} of ${usual.ran} tests ran; mend the fault`);
    if (failed.length === 0) missed.push(name);
    const by = failed.length === 0 ? 'NOT CAUGHT' : `caught by ${failed.length}: ${failed[0]}`;
    console.log(`${failed.length === 0 ? '✖' : '✔'} ${name}\n    ${by}`);
  }
  console.log(`\n${wanted.length - missed.length} caught, ${missed.length} missed`);
  return missed.length === 0 ? 0 : 1;
});

/** The tests that fail, and how many ran, with these edits made in a copy. */
async function testsWith(edits) {
  const folder = mkdtempSync(join(tmpdir(), 'wakechain-mutate-'));
  try {
    for (const path of NEEDED) cpSync(join(root, path), join(folder, path), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const { file, find, put } of edits) replaceOnce(join(folder, file), file, find, put);
    const flags = [...typescriptFlags, '--test', '--test-reporter=tap', '--test-timeout=120000'];
    const { output } = await runLive(node24, [...flags, 'extension/trace/causes/*.test.ts'], {
      cwd: folder,
      env: { ...process.env, WAKECHAIN_CASES: CASES },
    });
    const failed = [...output.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, name]) => name);
    return { failed, ran: Number(/^# tests (\d+)$/m.exec(output)?.[1] ?? 0), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function replaceOnce(path, file, find, put) {
  const text = readFileSync(path, 'utf8');
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Told(`${file} has ${places} places with this text, not one: ${find}`);
  writeFileSync(
    path,
    text.replace(find, () => put),
  );
}
