// Behind `npm run view` (scripts/view.mjs reads the arguments): opens one trace, serves it to a browser on this machine,
// says where.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from './server.ts';

const root = join(import.meta.dirname, '..', '..');

function openBrowser(url: string): void {
  const command = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  const browser = spawn(command, [url], { stdio: 'ignore', detached: true });
  // No browser to start is no failure: the address is on the screen.
  browser.on('error', () => undefined);
  browser.unref();
}

const { values, positionals } = parseArgs({
  options: { 'no-open': { type: 'boolean' } },
  allowPositionals: true,
});
const [file] = positionals;
if (file === undefined) throw new Error('scripts/view/main.ts FILE [--no-open]');

const viewer = await serve({
  file,
  dist: join(root, 'dist'),
  log: line => console.error(line),
});
console.log(viewer.url);
console.error('Ctrl+C ends it.');
if (!values['no-open']) openBrowser(viewer.url);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void viewer.close().then(() => process.exit(0)));
}
