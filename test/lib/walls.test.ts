// The walls of the house are felt: each import that a room may not make is refused by the lint rules of biome.json, and
// what it needs is let through. The real rules, on scratch files in a folder laid out like the checkout.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { root, withFolder } from './programs.ts';

const NETWORK = ['node:net', 'node:http', 'node:http2', 'node:https', 'node:tls', 'node:dgram', 'ssh2', 'ws'];
const ENTRY = '../extension.ts';

interface Wall {
  readonly file: string;
  readonly refused: readonly string[];
  readonly allowed: readonly string[];
}

const walls: readonly Wall[] = [
  {
    file: 'extension/trace/query/scratch.ts',
    refused: [
      ...[
        'vscode',
        ...NETWORK,
        '@modelcontextprotocol/server',
        `../${ENTRY}`,
        '../../../webview/protocol.ts',
      ],
      ...['mcp', 'remote', 'capture', 'editor', 'chat'].map(room => `../../${room}/any.ts`),
    ],
    allowed: ['node:sqlite', 'node:fs', '../causes/index.ts', '../../../test/fixtures/store.ts'],
  },
  {
    file: 'extension/mcp/scratch.ts',
    refused: [
      ...['vscode', 'node:sqlite', ...NETWORK, ENTRY, '../../webview/protocol.ts'],
      ...['remote', 'capture', 'editor', 'chat'].map(room => `../${room}/any.ts`),
    ],
    allowed: ['@modelcontextprotocol/server', 'zod', '../trace/query/client.ts'],
  },
  {
    file: 'extension/remote/scratch.ts',
    refused: [
      ...['vscode', 'node:sqlite', ENTRY, '../../webview/protocol.ts'],
      ...['trace', 'mcp', 'capture', 'editor', 'chat'].map(room => `../${room}/any.ts`),
    ],
    allowed: ['ssh2', 'node:net', './host.ts'],
  },
  {
    file: 'extension/capture/scratch.ts',
    refused: ['node:sqlite', '../mcp/server.ts', ENTRY],
    allowed: ['vscode', '../remote/host.ts', '../trace/api.ts'],
  },
  {
    file: 'extension/editor/scratch.ts',
    refused: ['node:sqlite', '../mcp/server.ts', ENTRY],
    allowed: ['vscode', '../trace/api.ts', '../../webview/protocol.ts'],
  },
  {
    file: 'extension/chat/scratch.ts',
    refused: ['node:sqlite', '../mcp/server.ts', ENTRY],
    allowed: ['vscode', './link.ts'],
  },
  {
    file: 'webview/timeline/scratch.ts',
    refused: [
      ...['vscode', 'node:fs', 'ssh2', '../../extension/editor/page.ts', '../../extension/extension.ts'],
      '../../extension/trace/query/client.ts',
    ],
    allowed: ['d3-scale', '../base/dom.ts', '../../extension/trace/api.ts', '../../extension/trace/time.ts'],
  },
  { file: 'extension/scratch.ts', refused: ['vscode'], allowed: ['./trace/api.ts'] },
  { file: 'scripts/scratch.ts', refused: ['vscode'], allowed: ['ws', 'node:sqlite'] },
];

/** The lines of each scratch file that the named rules complain about. */
function lint(folder: string, rules: readonly string[]): Map<string, Set<number>> {
  const biome = join(root, 'node_modules', '.bin', 'biome');
  const { stdout } = spawnSync(biome, ['lint', '--reporter=github', '--max-diagnostics=none', '.'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const found = new Map<string, Set<number>>();
  for (const [, rule = '', file = '', line] of stdout.matchAll(
    /^::error title=lint\/\w+\/(\w+),file=(.*?),line=(\d+)/gm,
  )) {
    if (!rules.includes(rule)) continue;
    const path = file.slice(file.indexOf(folder) < 0 ? 0 : folder.length + 1);
    found.set(path, (found.get(path) ?? new Set()).add(Number(line)));
  }
  return found;
}

function write(folder: string, file: string, lines: readonly string[]): void {
  mkdirSync(join(folder, dirname(file)), { recursive: true });
  writeFileSync(join(folder, file), `${lines.join('\n')}\n`);
}

async function withRules(use: (folder: string) => void): Promise<void> {
  await withFolder(async folder => {
    const rules = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...rules, vcs: { enabled: false } }));
    use(folder);
  });
}

test('each wall is felt, by import, by re-export and at run time', async () => {
  await withRules(folder => {
    const ways = [
      (from: string) => `import '${from}';`,
      (from: string) => `export * from '${from}';`,
      (from: string) => `await import('${from}');`,
    ];
    for (const { file, refused, allowed } of walls)
      write(folder, file, [
        ...ways.flatMap(way => refused.map(way)),
        ...ways.flatMap(way => allowed.map(way)),
      ]);
    const found = lint(folder, ['noRestrictedImports']);
    for (const { file, refused } of walls)
      assert.deepEqual(
        [...(found.get(file) ?? [])].sort((a, b) => a - b),
        Array.from({ length: ways.length * refused.length }, (_, line) => line + 1),
        `${file}: line N imports ${refused.join(', ')}, each three times over`,
      );
  });
});

test('no way around: bare names, require, globals of the network', async () => {
  await withRules(folder => {
    const around = ["import 'net';", "require('vscode');", "import type net = require('net');"];
    const globals = ["fetch('http://a');", "new WebSocket('ws://a');"];
    for (const room of ['trace', 'mcp'])
      write(folder, `extension/${room}/scratch.ts`, [...around, ...globals]);
    write(folder, 'extension/remote/scratch.ts', around);
    const found = lint(folder, ['useNodejsImportProtocol', 'noCommonJs', 'noRestrictedGlobals']);
    for (const room of ['trace', 'mcp'])
      assert.deepEqual([...(found.get(`extension/${room}/scratch.ts`) ?? [])].sort(), [1, 2, 3, 4, 5], room);
    assert.deepEqual([...(found.get('extension/remote/scratch.ts') ?? [])].sort(), [1, 2, 3]);
  });
});
