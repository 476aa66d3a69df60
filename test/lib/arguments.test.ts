// Every command reads its arguments before it sets up or builds anything: help is printed, and what is not allowed ends
// with status 2 and says what is.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './programs.ts';

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (command: string, ...args: string[]): Said =>
  spawnSync(process.execPath, [join(root, 'scripts', `${command}.mjs`), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });

const commands = ['demo', 'test', 'build', 'view', 'bench', 'stories', 'package', 'setup', 'truth', 'sample'];

for (const command of commands)
  test(`${command}: --help, and an option that is not there`, () => {
    const help = run(command, '--help');
    assert.equal(help.status, 0, help.stderr);
    assert.match(help.stdout, /^Usage: /);
    assert.equal(help.stderr, '');
    const wrong = run(command, '--bogus');
    assert.equal(wrong.status, 2, wrong.stderr);
    assert.match(wrong.stderr, /Unknown option '--bogus'\.\n\nUsage: /);
    assert.equal(wrong.stdout, '');
  });

const wrong: readonly [what: readonly [string, ...string[]], says: RegExp][] = [
  [['demo', 'now'], /Unknown: now; this command takes no names/],
  [['demo', '--variant', 'both'], /--variant is call or gap, not "both"/],
  [['test', 'unti'], /Unknown: unti; there are: check, unit, /],
  [['bench', 'pictures'], /Unknown: pictures; there are: .*picture/],
  [['stories', 'nothing'], /Unknown: nothing; there are: .*holder-preempted/],
  [['stories', '--runs', '0'], /--runs is a whole number from 1 to 1000, not "0"/],
  [['truth', '--runs', 'ten'], /--runs is a whole number from 1 to 1000, not "ten"/],
  [['setup', 'windows'], /Unknown: windows; there are: node, /],
  [['view'], /Which trace\? Name its file/],
  [['view', 'a', 'b'], /One trace at a time/],
];
for (const [[command, ...args], says] of wrong)
  test([command, ...args].join(' '), () => {
    const said = run(command, ...args);
    assert.equal(said.status, 2, said.stderr);
    assert.match(said.stderr, says);
  });
