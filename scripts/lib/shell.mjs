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

/** An error whose message is for a person: printed without a stack. `status`: what the command exits with. */
export class Told extends Error {
  status = 1;
}

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

/** Runs a script's main and turns a Told error into its sentence and exit status. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    if (!(error instanceof Told)) throw error;
    if (error.status === 0) console.log(error.message);
    else console.error(`\n${error.message}`);
    process.exitCode = error.status;
  }
}

/**
 * Runs a TypeScript program of the checkout on its Node 24, on this terminal; resolves with the exit status. Ctrl+C
 * reaches both, and this one waits, so that the prompt comes back after the last word; SIGTERM is passed on.
 */
export function runTypeScript(path, args) {
  const child = spawn(node24, [...typescriptFlags, join(root, path), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', error => reject(new Told(`cannot run ${node24}: ${error.message}`)));
    child.on('close', status => resolve(status ?? 1));
  });
}

/** Builds the stand-in CUDA libraries and the workloads where they are older than their sources. */
export function buildWorkloads() {
  run('node', [join(root, 'test/workloads/build.mjs')]);
}
