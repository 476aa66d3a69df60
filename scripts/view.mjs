// `npm run view -- FILE [--no-open]`: the viewer in a browser, without VS Code. Plain Node 20: hands over to the
// checkout's own Node, which runs TypeScript and reads traces.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node = join(root, 'node_modules', '.bin', 'node');
for (const [file, remedy] of [
  [node, 'npm install'],
  [join(root, 'dist', 'webview', 'main.js'), 'npm run build'],
  [join(root, 'dist', 'query.js'), 'npm run build'],
]) {
  if (!existsSync(file)) {
    console.error(`The viewer is not built yet (${file} is missing). Run: ${remedy}`);
    process.exit(1);
  }
}

const viewer = spawn(
  node,
  [
    '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
    join(root, 'scripts', 'view', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
// Ctrl+C reaches both; this one waits, so that the prompt comes back after the last word.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => viewer.kill(signal));
viewer.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 0 : 1);
});
