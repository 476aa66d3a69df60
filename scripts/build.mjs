// Builds dist/: the extension, the MCP server, the query process, the webview, and the collectors.
//
//   npm run build [-- --quick] [-- --no-collector] [-- --clean]
//
// --quick builds the collector for this processor only, without link-time optimisation.

import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './lib/arguments.mjs';
import { main, root, seconds, Told } from './lib/shell.mjs';
import { ensure, needs } from './setup.mjs';

/** Node bundles: CommonJS, one file each; `vscode` is the editor's own, native addons of ssh2 are optional. */
const node = {
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  external: ['vscode', 'cpu-features', '*.node'],
};
const browser = { platform: 'browser', format: 'iife', target: 'chrome142' };

const bundles = [
  { ...node, entryPoints: ['extension/extension.ts'], outfile: 'dist/extension.js' },
  { ...node, entryPoints: ['extension/mcp/main.ts'], outfile: 'dist/mcp.js' },
  { ...node, entryPoints: ['extension/trace/query/main.ts'], outfile: 'dist/query.js' },
  { ...browser, entryPoints: ['webview/main.ts'], outfile: 'dist/webview/main.js' },
  {
    ...browser,
    entryPoints: ['webview/main.css'],
    outfile: 'dist/webview/main.css',
    loader: { '.ttf': 'file' },
    assetNames: '[name]',
  },
];

/** Files that stand beside the bundles as they are. */
const copies = [
  ['collector/schema.sql', 'dist/schema.sql'],
  ['node_modules/@vscode/codicons/dist/codicon.css', 'dist/webview/codicon.css'],
  ['node_modules/@vscode/codicons/dist/codicon.ttf', 'dist/webview/codicon.ttf'],
];

/** The TypeScript half: under a second. */
async function buildBundles() {
  const { build } = await import('esbuild');
  const { version } = await import('../package.json', { with: { type: 'json' } }).then(
    module => module.default,
  );
  mkdirSync(join(root, 'dist', 'webview'), { recursive: true });
  await Promise.all(
    bundles.map(options =>
      build({
        absWorkingDir: root,
        bundle: true,
        minify: true,
        keepNames: true,
        sourcemap: false,
        legalComments: 'none',
        logLevel: 'warning',
        define: { WAKECHAIN_VERSION: JSON.stringify(version), 'process.env.NODE_ENV': '"production"' },
        ...options,
      }).catch(error => {
        throw new Told(`esbuild: ${options.outfile}: ${error.message}`);
      }),
    ),
  );
  for (const [from, to] of copies) cpSync(join(root, from), join(root, to));
}

/** Everything. `quick`: this processor's collector only, without link-time optimisation unless `release`. */
export async function buildAll({ quick = false, collector = true, release = !quick } = {}) {
  await ensure(collector ? (quick ? needs.quick : needs.build) : ['node']);
  let begin = Date.now();
  await buildBundles();
  console.error(`build: extension, MCP server, webview: ${seconds(Date.now() - begin)}`);
  if (!collector) return;
  begin = Date.now();
  const { buildCollector } = await import('./collector.mjs');
  await buildCollector({ quick, release });
  console.error(`build: collector: ${seconds(Date.now() - begin)}`);
}

const usage = `Usage: npm run build -- [--quick] [--no-collector] [--clean]

Builds dist/: the extension, the MCP server, the query process, the webview, and the collectors.
  --quick         the collector for this processor only, without link-time optimisation
  --no-collector  the TypeScript half only
  --clean         removes dist/ first`;

if (process.argv[1]?.endsWith('build.mjs')) {
  await main(async () => {
    const { values } = readArguments({
      usage,
      options: {
        quick: { type: 'boolean' },
        'no-collector': { type: 'boolean' },
        clean: { type: 'boolean' },
      },
    });
    if (values.clean && existsSync(join(root, 'dist'))) rmSync(join(root, 'dist'), { recursive: true });
    await buildAll({ quick: values.quick, collector: !values['no-collector'] });
  });
}
