// Runs every test, part by part, each with its time, and ends with "N passed, N failed[, N skipped]" alone on a line.
//
// Full output of each part: out/test/PART.log. What a machine cannot do is skipped, with its reason in the summary. What
// needs root (eBPF, sshd) runs through sudo where that asks for no password.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './lib/arguments.mjs';
import {
  buildWorkloads,
  isRoot,
  main,
  node24,
  root,
  run,
  runLive,
  seconds,
  Told,
  typescriptFlags,
} from './lib/shell.mjs';
import { ensure } from './setup.mjs';

/** What a part needs to be set up, what it builds on, and how it is run. `bpf`: only where eBPF can be loaded. */
const parts = {
  check: { needs: ['node'], run: check },
  unit: {
    needs: ['node', 'ssh'],
    run: () => nodeTests(['extension/**/*.test.ts', 'webview/**/*.test.ts', 'test/lib/**/*.test.ts']),
  },
  // its tests use `kill` of procps, which the ssh part brings; arm64 brings Debian's Rust, so that one compiler serves all parts
  rust: { needs: ['node', 'collector', 'arm64', 'ssh'], run: rust },
  build: { needs: ['node', 'collector', 'arm64'], run: build },
  mcp: { needs: ['node'], built: true, run: () => nodeTests(['test/mcp/*.test.ts']) },
  capture: {
    needs: ['node', 'oracles', 'arm64'],
    built: true,
    bpf: true,
    run: () => nodeTests(['test/capture/*.test.ts'], { asRoot: true }),
  },
  // QEMU's guests: neither root nor this machine's eBPF is needed
  kernels: { needs: ['node', 'collector', 'kernels'], built: true, run: kernels },
  ui: { needs: ['node', 'browser'], built: true, run: () => nodeTests(['test/ui/*.test.ts']) },
  ssh: {
    needs: ['node', 'ssh', 'oracles'],
    built: true,
    bpf: true,
    run: () => nodeTests(['test/ssh/*.test.ts'], { asRoot: true }),
  },
  vscode: {
    needs: ['node', 'browser', 'ssh', 'vscode'],
    built: true,
    bpf: true,
    run: () => nodeTests(['test/vscode/*.test.ts'], { asRoot: true }),
  },
};

const logs = join(root, 'out', 'test');

const usage = `Usage: npm test -- [PART...] [--kernels]

Sets up what is missing, builds, runs every test; the last line is "N passed, N failed[, N skipped]".
  PART       of ${Object.keys(parts).join(', ')}; all when left out
  --kernels  the collector on every other kernel that Debian has, arm64 included; alone where no PART is named`;

async function test() {
  const { positionals, values } = readArguments({
    usage,
    names: Object.keys(parts),
    options: { kernels: { type: 'boolean' } },
  });
  const wanted = values.kernels ? [...positionals, 'kernels'] : positionals;
  if (values.kernels) {
    parts.kernels.needs.push('arm64', 'kernels-arm64');
    parts.kernels.built = false;
    parts.kernels.run = () => kernels({ every: true });
  }
  const begin = Date.now();
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
  if (isRoot()) return undefined;
  const sudo = spawnSync('sudo', ['-n', 'true'], { encoding: 'utf8' });
  if (sudo.status === 0) return undefined;
  const said = sudo.error === undefined ? sudo.stderr.trim() : 'sudo is not installed';
  return { reason: `not root, and sudo -n does not work (${said})`, kernelLacksIt: false };
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

/**
 * node:test in Node 24, one file after the other: captures and browsers must not disturb each other. `asRoot`: through
 * sudo where this is not root; what is built is built before, and what root wrote is handed back.
 */
async function nodeTests(globs, { asRoot = false } = {}) {
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
  const changes = { PATH: `${join(root, 'node_modules/node/bin')}:${process.env.PATH}`, NO_COLOR: '1' };
  const sudo = asRoot && !isRoot();
  if (sudo) buildWorkloads();
  const environment = Object.entries(changes).map(([name, value]) => `${name}=${value}`);
  if (process.env.CI !== undefined) environment.push(`CI=${process.env.CI}`);
  const { status, output } = sudo
    ? await runLive('sudo', ['-n', 'env', ...environment, node24, ...flags])
    : await runLive(node24, flags, { env: { ...process.env, ...changes } });
  if (sudo) handBack();
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

/** Other kernels under QEMU: those of this processor that Debian's stable release has, or `every` one. */
async function kernels({ every = false } = {}) {
  const { kernels: all, ensureKernels } = await import('../test/kernels/setup.mjs');
  if (every) await build();
  const ready = [];
  const reasons = [];
  for (const { name } of all.filter(({ architecture }) => every || architecture === 'amd64')) {
    try {
      ensureKernels([name]);
      ready.push(name);
    } catch (error) {
      if (!(error instanceof Told)) throw error;
      reasons.push(`kernel ${name}: ${error.message.split('\n').at(-1)}`);
    }
  }
  if (ready.length === 0) return { passed: 0, failed: 0, skipped: reasons.length, reasons, log: '' };
  process.env.WAKECHAIN_KERNELS = ready.join(' ');
  const result = await nodeTests(['test/kernels/*.test.ts']);
  return {
    ...result,
    skipped: result.skipped + reasons.length,
    reasons: [...result.reasons, ...reasons],
  };
}

/** What root wrote into the checkout belongs to whoever runs the tests. */
function handBack() {
  const owner = `${process.getuid()}:${process.getgid()}`;
  const folders = ['out', 'test/build', 'dist']
    .map(name => join(root, name))
    .filter(path => existsSync(path));
  run('sudo', ['-n', 'chown', '-R', owner, ...folders]);
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
