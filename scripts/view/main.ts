// The command behind `npm run view`: opens one trace, serves it to a browser on this machine, says where.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from './server.ts';

const USAGE = `Usage: npm run view -- FILE [--no-open]

Shows a trace (NAME.wakechain.db) in the browser. Serves on this machine only, until Ctrl+C.
  --no-open   print the address, start no browser`;

const root = join(import.meta.dirname, '..', '..');

function readArguments(): { readonly file: string; readonly open: boolean } | { readonly usage: string } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { 'no-open': { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    });
    if (values.help) return { usage: USAGE };
    const [file, ...more] = positionals;
    if (file === undefined) return { usage: `Which trace? Name its file.\n\n${USAGE}` };
    if (more.length > 0) return { usage: `One trace at a time.\n\n${USAGE}` };
    return { file, open: !values['no-open'] };
  } catch (error) {
    return { usage: `${error instanceof Error ? error.message : String(error)}\n\n${USAGE}` };
  }
}

function openBrowser(url: string): void {
  const command = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  const browser = spawn(command, [url], { stdio: 'ignore', detached: true });
  // No browser to start is no failure: the address is on the screen.
  browser.on('error', () => undefined);
  browser.unref();
}

const asked = readArguments();
if ('usage' in asked) {
  console.error(asked.usage);
  process.exit(process.argv.includes('--help') ? 0 : 2);
}

// A file that is there but broken is served: the page says what is wrong with it.
if (!existsSync(asked.file)) {
  console.error(`There is no file ${asked.file}. Name a trace (NAME.wakechain.db).`);
  process.exit(1);
}

const viewer = await serve({
  file: asked.file,
  dist: join(root, 'dist'),
  log: line => console.error(line),
});
console.log(viewer.url);
console.error('Ctrl+C ends it.');
if (asked.open) openBrowser(viewer.url);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void viewer.close().then(() => process.exit(0)));
}
