// Writes THIRD-PARTY.md: what the VSIX carries that is not ours, with each licence and its text. It errs on the side of
// too much: every npm package that is no development dependency, every crate that cargo resolves, then the C libraries.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, run } from './lib/shell.mjs';

/** C code that comes inside crates or is linked from Debian's packages. */
const libraries = [
  {
    name: 'SQLite',
    licence: 'public domain',
    from: 'the crate libsqlite3-sys',
  },
  {
    name: 'libbpf',
    licence: 'LGPL-2.1 OR BSD-2-Clause (used under BSD-2-Clause)',
    from: 'the crate libbpf-sys',
  },
  {
    name: 'elfutils libelf',
    licence:
      'LGPL-3.0-or-later OR GPL-2.0-or-later; linked statically: the collector can be relinked from its source',
    from: "Debian's libelf-dev",
    copyright: '/usr/share/doc/libelf-dev/copyright',
  },
  {
    name: 'zlib',
    licence: 'Zlib',
    from: "Debian's zlib1g-dev",
    copyright: '/usr/share/doc/zlib1g-dev/copyright',
  },
  { name: 'zstd', licence: 'BSD-3-Clause OR GPL-2.0 (used under BSD-3-Clause)', from: 'the crate zstd-sys' },
  {
    name: 'GNU C Library',
    licence: 'LGPL-2.1-or-later; linked statically: the collector can be relinked from its source',
    from: "Debian's libc6-dev",
  },
];

/** Text of the licence file in a folder, if there is one. */
function licenceText(folder) {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder).filter(name => /^(licen[cs]e|copying|notice)([.-].*)?$/i.test(name));
  const texts = files
    .filter(name => !/\.(m?js|ts|json)$/.test(name))
    .map(name => {
      try {
        return readFileSync(join(folder, name), 'utf8').trim();
      } catch {
        return '';
      }
    });
  return texts.filter(Boolean).join('\n\n') || undefined;
}

function npmPackages() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.dev && !entry.devOptional)
    .filter(([path]) => existsSync(join(root, path)))
    .map(([path, entry]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: entry.version,
      licence:
        entry.license ??
        JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')).license ??
        'see text',
      text: licenceText(join(root, path)),
    }));
}

async function crates() {
  const { cargoCommand } = await import('./collector.mjs');
  const { program, options } = cargoCommand();
  const args = [
    'metadata',
    '--format-version',
    '1',
    '--locked',
    '--filter-platform',
    'x86_64-unknown-linux-gnu',
  ];
  const metadata = JSON.parse(run(program, args, options));
  return metadata.packages
    .filter(entry => entry.source !== null)
    .map(entry => ({
      name: entry.name,
      version: entry.version,
      licence: entry.license ?? 'see text',
      text: licenceText(join(entry.manifest_path, '..')),
    }));
}

const table = entries =>
  `| name | version | licence |\n| --- | --- | --- |\n${entries.map(e => `| ${e.name} | ${e.version} | ${e.licence} |`).join('\n')}`;

/** One text, once, with all who use it. */
function texts(entries) {
  const users = new Map();
  for (const { name, text } of entries) if (text) users.set(text, [...(users.get(text) ?? []), name]);
  return [...users]
    .map(([text, names]) => `### ${names.join(', ')}\n\n\`\`\`\n${text.replaceAll('```', "'''")}\n\`\`\``)
    .join('\n\n');
}

/** Writes the file; returns how many parts it lists. */
export async function writeThirdParty() {
  const fromNpm = npmPackages();
  const fromCargo = await crates();
  const c = libraries.map(library => ({
    ...library,
    version: library.from,
    text:
      library.copyright && existsSync(library.copyright)
        ? readFileSync(library.copyright, 'utf8').trim()
        : undefined,
  }));
  const text = `# Third-party software in Wakechain

Wakechain itself is Apache-2.0; its eBPF programs are GPL-2.0-only OR BSD-2-Clause. The packaged extension also carries
what follows. Made by \`npm run package\`.

## In the extension (npm)

${table(fromNpm)}

## In the collector (crates)

${table(fromCargo)}

## In the collector (C)

${table(c)}

## Texts

${texts([...fromNpm, ...fromCargo, ...c])}
`;
  writeFileSync(join(root, 'THIRD-PARTY.md'), text);
  return fromNpm.length + fromCargo.length + c.length;
}

if (process.argv[1]?.endsWith('third-party.mjs')) {
  await main(async () => console.log(`THIRD-PARTY.md: ${await writeThirdParty()} parts`));
}
