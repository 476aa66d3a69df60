// `npm run view -- FILE [--no-open]`: the viewer in a browser, without VS Code. Plain Node 20: hands over to the
// checkout's own Node, which runs TypeScript and reads traces.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Misused, readArguments } from './lib/arguments.mjs';
import { main, node24, root, runTypeScript, Told } from './lib/shell.mjs';

const usage = `Usage: npm run view -- FILE [--no-open]

Shows a trace (NAME.wakechain.db) in the browser. Serves on this machine only, until Ctrl+C.
  --no-open   print the address, start no browser`;

await main(async () => {
  const { values, positionals } = readArguments({
    usage,
    options: { 'no-open': { type: 'boolean' } },
    names: true,
  });
  const [file, ...more] = positionals;
  if (file === undefined) throw new Misused(`Which trace? Name its file.\n\n${usage}`);
  if (more.length > 0)
    throw new Misused(
      `One trace at a time: ${positionals.join(', ')} are ${positionals.length}.\n\n${usage}`,
    );
  // A file that is there but broken is served: the page says what is wrong with it.
  if (!existsSync(file)) throw new Told(`There is no file ${file}. Name a trace (NAME.wakechain.db).`);
  for (const [needed, remedy] of [
    [node24, 'npm install'],
    [join(root, 'dist', 'webview', 'main.js'), 'npm run build'],
    [join(root, 'dist', 'query.js'), 'npm run build'],
  ])
    if (!existsSync(needed))
      throw new Told(`The viewer is not built yet (${needed} is missing). Run: ${remedy}`);
  return runTypeScript('scripts/view/main.ts', [resolve(file), ...(values['no-open'] ? ['--no-open'] : [])]);
});
