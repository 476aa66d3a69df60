// Runs every test, part by part, each with its time, and ends with "N passed, N failed[, N skipped]" alone on a line.
//
//   npm test [-- PART...]        parts: see `parts` below; default all
//
// Full output of each part: out/test/PART.log. What a machine cannot do is skipped, with its reason in the summary.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asRoot, main, node24, root, runLive, seconds, Told, typescriptFlags } from './lib/shell.mjs';
import { ensure } from './setup.mjs';

/** What a part needs to be set up, what it builds on, and how it is run. `bpf`: only where eBPF can be loaded. */
const parts = {
  check: { needs: ['node'], run: check },
  unit: {
    needs: ['node', 'ssh'],
    run: () => nodeTests(['extension/**/*.test.ts', 'webview/**/*.test.ts', 'test/lib/**/*.test.ts']),
  },
  // its tests use `kill` of procps, which the ssh part brings
  rust: { needs: ['node', 'collector', 'ssh'], run: rust },
  build: { needs: ['node', 'collector', 'arm64'], run: build },
  mcp: { needs: ['node'], built: true, run: () => nodeTests(['test/mcp/*.test.ts']) },
  capture: {
    needs: ['node', 'oracles', 'arm64'],
    built: true,
    bpf: true,
    run: () => nodeTests(['test/capture/*.test.ts']),
  },
  ui: { needs: ['node', 'browser'], built: true, run: () => nodeTests(['test/ui/*.test.ts']) },
  ssh: {
    needs: ['node', 'ssh', 'oracles'],
    built: true,
    bpf: true,
    run: () => nodeTests(['test/ssh/*.test.ts']),
  },
  vscode: {
    needs: ['node', 'browser', 'ssh', 'vscode'],
    built: true,
    bpf: true,
    run: () => nodeTests(['test/vscode/*.test.ts']),
  },
};

const logs = join(root, 'out', 'test');

async function test() {
  const begin = Date.now();
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter(name => !(name in parts));
  if (unknown.length > 0)
    throw new Told(`unknown part ${unknown.join(', ')}; there are: ${Object.keys(parts).join(', ')}`);
  const names = Object.keys(parts).filter(name => wanted.length === 0 || wanted.includes(name));

  const noBpf = whyNoBpf();
  if (
    noBpf !== undefined &&
    process.env.CI === 'true' &&
    !noBpf.kernelLacksIt &&
    names.some(name => parts[name].bpf)
  ) {
    throw new Told(`eBPF cannot be loaded here, and most of the tests are about it: ${noBpf.reason}`);
  }

  mkdirSync(logs, { recursive: true });
  const total = { passed: 0, failed: 0, skipped: 0 };
  const reasons = [];
  const lines = [];
  for (const name of names) {
    const part = parts[name];
    const began = Date.now();
    let result;
    if (part.bpf && noBpf !== undefined) {
      result = { passed: 0, failed: 0, skipped: 1, reasons: [`needs eBPF: ${noBpf.reason}`], log: '' };
    } else {
      try {
        await ensure(part.needs);
        if (part.built) await ensureBuilt(names);
        result = await part.run();
      } catch (error) {
        if (!(error instanceof Told)) throw error;
        result = { passed: 0, failed: 1, skipped: 0, reasons: [], log: error.message };
      }
    }
    writeFileSync(join(logs, `${name}.log`), result.log);
    if (result.failed > 0)
      console.log(`\n--- ${name} -----------------------------------------\n${failuresOf(result.log)}\n`);
    const line = `${name.padEnd(8)} ${count(result).padEnd(36)} ${seconds(Date.now() - began)}`;
    console.log(line);
    lines.push(line);
    for (const key of ['passed', 'failed', 'skipped']) total[key] += result[key];
    reasons.push(...result.reasons.map(reason => `${name}: ${reason}`));
  }
  console.log(`\n${lines.join('\n')}\nin all   ${''.padEnd(36)} ${seconds(Date.now() - begin)}`);
  if (reasons.length > 0)
    console.log(`\nskipped:\n${[...new Set(reasons)].map(reason => `  ${reason}`).join('\n')}`);
  console.log(`\n${count(total)}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

const count = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** The end of a log, from the list of failing tests on where there is one. */
function failuresOf(log) {
  const at = log.lastIndexOf('failing tests:');
  return (at >= 0 ? log.slice(at) : log).split('\n').slice(0, 200).slice(-160).join('\n');
}

/** Why eBPF programs cannot be loaded here, before anything is built; undefined when nothing speaks against it. */
function whyNoBpf() {
  if (process.platform !== 'linux')
    return { reason: `this is ${process.platform}, eBPF is Linux`, kernelLacksIt: true };
  if (!existsSync('/sys/kernel/btf/vmlinux'))
    return { reason: 'the kernel has no BTF (/sys/kernel/btf/vmlinux)', kernelLacksIt: true };
  try {
    if (asRoot('true', [])[0] === 'sudo') return { reason: 'not root', kernelLacksIt: false };
  } catch {
    return { reason: 'not root', kernelLacksIt: false };
  }
  return undefined;
}

let built = false;
/** The parts that use dist/ need it made from this very tree; the build part does so in full. */
async function ensureBuilt(names) {
  if (built || names.includes('build')) return;
  const { buildAll } = await import('./build.mjs');
  await buildAll({ quick: true });
  built = true;
}

async function check() {
  const types = await runLive(join(root, 'node_modules/.bin/tsc'), ['--noEmit']);
  const lint = await runLive(join(root, 'node_modules/.bin/biome'), ['check', '--colors=off']);
  const failed = Number(types.status !== 0) + Number(lint.status !== 0);
  return { passed: 2 - failed, failed, skipped: 0, reasons: [], log: `${types.output}\n${lint.output}` };
}

async function build() {
  const { buildAll } = await import('./build.mjs');
  await buildAll({});
  built = true;
  return { passed: 1, failed: 0, skipped: 0, reasons: [], log: '' };
}

/** node:test in Node 24, one file after the other: captures and browsers must not disturb each other. */
async function nodeTests(globs) {
  if (globs.some(glob => glob.startsWith('test/')) && globs.length === 1) {
    const folder = join(root, globs[0].slice(0, globs[0].lastIndexOf('/')));
    if (!existsSync(folder) || !readdirSync(folder).some(name => name.endsWith('.test.ts')))
      throw new Told(`no tests match ${globs[0]}`);
  }
  const flags = [
    ...typescriptFlags,
    '--test',
    '--test-concurrency=1',
    '--test-timeout=300000',
    '--test-reporter=spec',
    ...globs,
  ];
  const { status, output } = await runLive(node24, flags, {
    env: {
      ...process.env,
      PATH: `${join(root, 'node_modules/node/bin')}:${process.env.PATH}`,
      NO_COLOR: '1',
    },
  });
  const of = word => Number(output.match(new RegExp(`^\\S+ ${word} (\\d+)$`, 'm'))?.[1] ?? 0);
  const reasons = [...output.matchAll(/^\s*﹣ (.*?) \([\d.]+ms\) # (.*)$/gm)].map(
    ([, name, why]) => `${name}: ${why}`,
  );
  const failed = of('fail') + of('cancelled');
  return {
    passed: of('pass'),
    failed: status !== 0 && failed === 0 ? 1 : failed,
    skipped: of('skipped'),
    reasons,
    log: output,
  };
}

async function rust() {
  const { cargoCommand } = await import('./collector.mjs');
  const { program, options } = cargoCommand();
  const { status, output } = await runLive(program, ['test', '--workspace', '--quiet', '--locked'], options);
  const results = [...output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm)];
  const sum = column => results.reduce((total, result) => total + Number(result[column]), 0);
  const failed = sum(2);
  return {
    passed: sum(1),
    failed: status !== 0 && failed === 0 ? 1 : failed,
    skipped: sum(3),
    reasons: sum(3) > 0 ? ['Rust tests marked #[ignore]'] : [],
    log: output,
  };
}

await main(test);
