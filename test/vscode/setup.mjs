// The VS Code server for the tests: the npm package code-server carries it whole, so nothing is downloaded from
// elsewhere. 0.8 GB and two minutes, once; a package of its own, so that only those who run these tests have it.
// Its install script builds native modules and refuses any Node but 24, hence our own Node goes first in PATH.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { node24, runLive, Told } from '../../scripts/lib/shell.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** The server's main file. */
export const serverMain = join(here, 'node_modules/code-server/lib/vscode/out/server-main.js');

/** The native module that is built last: an install that was cut short has none. */
const built = join(here, 'node_modules/code-server/lib/vscode/node_modules/@vscode/spdlog/build/Release');

/** What the npm package `node` unpacked for this processor: `include/node` beside `bin/node`. */
const headers = join(dirname(node24), '..', 'node_modules', `node-linux-${process.arch}`);

/** Installs the server where it is missing. Debian packages that it needs are scripts/setup.mjs's business. */
export async function ensureVscodeServer() {
  if (existsSync(serverMain) && existsSync(built)) return;
  console.error('setup: the VS Code server for the tests (npm package code-server, 0.8 GB, about 2 minutes)');
  // Under `npm test` the environment says which Node npm itself runs on, and the install script believes that.
  const { npm_config_user_agent: _, npm_node_execpath: __, NODE: ___, ...environment } = process.env;
  const env = { ...environment, PATH: `${dirname(node24)}:${process.env.PATH}` };
  // Its own headers come with the same package: node-gyp would fetch them, or take another Node's of this machine.
  if (existsSync(join(headers, 'include/node/common.gypi'))) env.npm_config_nodedir = headers;
  const { status, output } = await runLive('npm', ['ci'], { cwd: here, env });
  if (status !== 0 || !existsSync(serverMain))
    throw new Told(
      `code-server could not be installed in test/vscode (npm ci there shows it again):\n${output.trim().split('\n').slice(-30).join('\n')}`,
    );
}
