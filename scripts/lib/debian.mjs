// What this machine's apt knows of Debian. Plain Node 20, no dependencies.

import { run, Told } from './shell.mjs';

/** The mirror that it takes bookworm from. */
export function mirror() {
  const lines = run('apt-get', [
    'indextargets',
    '--format',
    '$(SITE) $(RELEASE)',
    'Created-By: Packages',
  ]).split('\n');
  const [site] = lines.map(line => line.split(' ')).find(([, release]) => release === 'bookworm') ?? [];
  if (!site) throw new Told('apt knows no mirror of bookworm here');
  return site;
}
