// Shows a trace: in VS Code with this checkout as the extension where `code` is there, else in the browser.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const onPath = (program: string) =>
  (process.env['PATH'] ?? '').split(':').some(folder => folder !== '' && existsSync(join(folder, program)));

/** Resolves with the exit status of what showed it: at once for VS Code, when the viewer is stopped otherwise. */
export function openTrace(root: string, trace: string): Promise<number> {
  const [program, args] = onPath('code')
    ? ['code', [`--extensionDevelopmentPath=${root}`, trace]]
    : [process.execPath, [join(root, 'scripts', 'view.mjs'), trace]];
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.on('error', error => {
      console.error(`${program} could not be started: ${error.message}`);
      resolve(1);
    });
    child.on('close', status => resolve(status ?? 0));
  });
}
