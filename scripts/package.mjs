// npm run package: the VSIX, with both collectors and THIRD-PARTY.md, and a word on its size.

import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildAll } from './build.mjs';
import { readArguments } from './lib/arguments.mjs';
import { main, node24, root, run } from './lib/shell.mjs';
import { writeThirdParty } from './third-party.mjs';

/** Run by npx: 150 packages that nobody needs who does not package. */
const vsce = '@vscode/vsce@4.1.0';

const usage = `Usage: npm run package

Builds everything, both collectors included, and makes wakechain-VERSION.vsix in the checkout.`;

await main(async () => {
  readArguments({ usage });
  await buildAll({});
  console.log(`THIRD-PARTY.md: ${await writeThirdParty()} parts`);
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const file = join(root, `${name}-${version}.vsix`);
  // vsce needs Node 22 or newer; everything we ship is bundled, so no dependency is packed.
  run(
    'npx',
    [
      '--yes',
      vsce,
      'package',
      '--no-dependencies',
      '--skip-license',
      '--allow-missing-repository',
      // The pictures of README.md are in the package itself.
      '--no-rewrite-relative-links',
      '--out',
      file,
    ],
    {
      env: { ...process.env, PATH: `${dirname(node24)}:${process.env.PATH}` },
      show: true,
    },
  );
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB (target: under 15 MB)`);
});
