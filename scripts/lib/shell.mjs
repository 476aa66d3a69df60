// Running programs from the scripts: one place for how output, failure and time are shown. Plain Node 20, no dependencies.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Node 24 of the checkout, which runs TypeScript and has node:sqlite; the scripts themselves run on Node 20. */
export const node24 = join(
  root,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);

/** Options for Node 24 when it runs our TypeScript as it stands. */
export const typescriptFlags = [
  '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
  '--disable-warning=ExperimentalWarning',
];

/** An error whose message is for a person: printed without a stack. */
export class Told extends Error {}

/** Runs to the end; throws a Told error with the last lines of output when it fails. `show` passes the output through. */
export function run(command, args, { show = false, ...options } = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  if (result.error) throw new Told(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) {
    const said = show
      ? ''
      : `\n${`${result.stdout}${result.stderr}`.trim().split('\n').slice(-30).join('\n')}`;
    throw new Told(`${[command, ...args].join(' ')} ended with ${result.status ?? result.signal}${said}`);
  }
  return result.stdout ?? '';
}

/** Runs to the end, passing every line on as it comes; resolves with the exit status and the whole output. */
export function runLive(command, args, { onLine, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    let pending = '';
    const take = chunk => {
      output += chunk;
      pending += chunk;
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    };
    child.stdout?.setEncoding('utf8').on('data', take);
    child.stderr?.setEncoding('utf8').on('data', take);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (pending) onLine?.(pending);
      resolve({ status: status ?? 1, signal, output });
    });
  });
}

/** Whether a program is on PATH (or is there, when it is a path). */
export function found(program) {
  if (program.includes('/')) return existsSync(program);
  return (process.env.PATH ?? '')
    .split(':')
    .some(directory => directory && existsSync(join(directory, program)));
}

export const isRoot = () => process.getuid?.() === 0;

/** `command` as root: as it is, or through sudo. */
export function asRoot(command, args) {
  if (isRoot()) return [command, args];
  if (found('sudo')) return ['sudo', [command, ...args]];
  throw new Told(`${command} needs root: run this as root, or install sudo`);
}

/** "1.2 s", "3 min 4 s" */
export function seconds(ms) {
  const s = ms / 1000;
  return s < 90 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/** Runs a script's main and turns a Told error into a sentence and exit status 1. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    if (!(error instanceof Told)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}
