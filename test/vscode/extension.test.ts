// The extension in the real VS Code server with a real browser: what activates it, what its editor shows of a trace
// (compared with SQL on the file), what it says of files that are none, and what agents get.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { generate } from '../fixtures/generate.ts';
import { writeIngero } from '../fixtures/ingero.ts';
import { TraceFile } from '../lib/trace-file.ts';
import {
  assertClickMovesTimeline,
  assertFlame,
  assertOverview,
  assertTimeline,
  failure,
  figures,
  openTab,
  shell,
} from './pictures.ts';
import { retry, Workbench } from './workbench.ts';

describe('the extension in VS Code', () => {
  let workbench: Workbench;
  let file: string;
  let trace: TraceFile;
  let sha256: string;
  const hash = (): string => createHash('sha256').update(readFileSync(file)).digest('hex');

  before(async () => {
    workbench = await Workbench.open();
    file = join(workbench.directory, 'folder', 'demo.wakechain.db');
    generate(file, { events: 20_000, sha256: true });
    sha256 = hash();
    trace = new TraceFile(file);
  });
  after(async () => {
    trace?.close();
    await workbench?.close();
  });

  test('nothing is loaded before it is needed; opening a trace activates it', async () => {
    assert.equal((await workbench.call('extension')).active, false);
    await workbench.call('open', file);
    await shell(workbench);
    assert.equal((await workbench.call('extension')).active, true);
    const [tab] = await workbench.call('tabs');
    assert.deepEqual(tab, { label: 'demo.wakechain.db', viewType: 'wakechain.trace', active: true });
  });

  test('Overview: every CUDA function with its count, as SQL counts them', async () => {
    await assertOverview(await shell(workbench), trace);
  });

  test('Timeline: every row has the events of its thread or CPU', async () => {
    await assertTimeline(await shell(workbench), trace);
  });

  test('Flame: all outer calls', async () => {
    await assertFlame(await shell(workbench), trace);
  });

  test('Causes: a click on a cause moves the timeline into its interval', async () => {
    await assertClickMovesTimeline(await shell(workbench));
  });

  test('a theme that changes is followed at once; screenshots of each tab, dark and light', async () => {
    const frame = await shell(workbench);
    const background = (): Promise<string> =>
      frame.$eval('body', body => getComputedStyle(body).backgroundColor);
    const seen = new Set<string>();
    await workbench.call('command', 'workbench.action.closeAuxiliaryBar');
    await workbench.call('command', 'workbench.action.closeSidebar');
    for (const [name, theme] of [
      ['dark', 'Default Dark Modern'],
      ['light', 'Default Light Modern'],
    ] as const) {
      await workbench.call('setting', 'workbench.colorTheme', theme);
      await retry(60_000, async () => {
        const kind = await frame.$eval('body', body => (body as HTMLElement).dataset['vscodeThemeKind']);
        assert.equal(kind, `vscode-${name}`);
      });
      seen.add(await background());
      for (const tab of ['overview', 'timeline', 'flame', 'causes'] as const) {
        await openTab(frame, tab);
        await workbench.page.waitForTimeout(300);
        await workbench.screenshot(`${tab}-${name}`);
      }
    }
    assert.equal(seen.size, 2);
  });

  describe('what agents get', () => {
    const tools = [
      'list_traces',
      'get_check',
      'get_trace_stats',
      'get_causal_chains',
      'resolve_causal_chain',
      'query_off_cpu_events',
      'run_sql',
    ];
    const nameOf = (all: readonly { readonly name: string }[], tool: string): string =>
      all.find(({ name }) => name.endsWith(tool))?.name ??
      assert.fail(`no ${tool} among ${all.map(({ name }) => name)}`);

    test('the tools are listed once the server runs', async () => {
      await workbench.call('command', 'workbench.mcp.startServer', 'wakechain.wakechain/Wakechain', {
        waitForLiveTools: true,
      });
      const listed = await retry(60_000, async () => {
        const all = await workbench.call('tools');
        for (const tool of tools) nameOf(all, tool);
        return all;
      });
      assert.equal(listed.filter(({ name }) => name.startsWith('mcp_wakechain_')).length, tools.length);
    });

    test('get_causal_chains names what the editor shows first', async () => {
      const all = await workbench.call('tools');
      const traces = (await workbench.call('invokeTool', nameOf(all, 'list_traces'), {})).join('\n');
      assert.ok(traces.includes('demo.wakechain.db'), traces);
      const text = (
        await workbench.call('invokeTool', nameOf(all, 'get_causal_chains'), { trace: file })
      ).join('\n');
      const frame = await shell(workbench);
      await openTab(frame, 'causes');
      const [first] = await figures(frame, '.cause-item');
      assert.ok(
        first?.['cause'] !== undefined && text.includes(first['cause']),
        `${first?.['cause']} is not in\n${text.slice(0, 2000)}`,
      );
    });

    test('the editor and its agents changed no byte of the trace', () => {
      assert.equal(hash(), sha256);
    });
  });

  test("another tool's trace is offered for import; the button imports it and shows what its causes are worth", async () => {
    const source = join(workbench.directory, 'folder', 'run.db');
    writeIngero(source, { version: '0.9' });
    const bytes = readFileSync(source);
    await workbench.call('closeAll');
    await workbench.call('openWith', source, 'wakechain.foreign');
    const offered = await failure(workbench);
    assert.equal((await figures(offered, '.failure'))[0]?.['reason'], 'importable');
    assert.match(await offered.innerText('.failure'), /run\.db is a trace of Ingero \(its version 0\.9\)/);
    await workbench.screenshot('import-offered');
    await offered.click('[data-action=import]');
    const frame = await workbench.view('.claims');
    assert.equal((await figures(frame, '.claims'))[0]?.['total'], '6');
    await workbench.screenshot('import-done');
    const tabs = await workbench.call('tabs');
    assert.deepEqual(tabs, [{ label: 'run.wakechain.db', viewType: 'wakechain.trace', active: true }]);
    assert.ok(readFileSync(source).equals(bytes), 'importing changed the file');
  });

  describe('files that cannot be shown get a sentence', () => {
    const cases: readonly (readonly [string, RegExp, (path: string) => void])[] = [
      ['empty', /empty/i, path => writeFileSync(path, '')],
      ['not_a_database', /./, path => writeFileSync(path, 'a'.repeat(10_000))],
      [
        'truncated',
        /./,
        path => {
          generate(path, { events: 5000 });
          truncateSync(path, 50_000);
        },
      ],
      [
        'foreign',
        /./,
        path => {
          const database = new DatabaseSync(path);
          database.exec('CREATE TABLE notes (text)');
          database.close();
        },
      ],
      [
        'newer',
        /newer/i,
        path => {
          generate(path, { events: 2000 });
          const database = new DatabaseSync(path);
          const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
            user_version: number;
          };
          database.exec(`PRAGMA user_version = ${version + 1}`);
          database.close();
        },
      ],
      [
        'wal',
        /./,
        path => {
          generate(path, { events: 2000 });
          const database = new DatabaseSync(path);
          database.exec('PRAGMA journal_mode = WAL');
          database.close();
        },
      ],
    ];
    for (const [reason, words, make] of cases)
      test(reason, async () => {
        const path = join(workbench.directory, 'folder', `${reason}.wakechain.db`);
        make(path);
        const bytes = readFileSync(path);
        await workbench.call('closeAll');
        await workbench.call('open', path);
        const frame = await failure(workbench);
        const [data] = await figures(frame, '.failure');
        const sentence = await frame.$eval('.failure h1', node => node.textContent ?? '');
        assert.equal(data?.['reason'], reason, sentence);
        assert.match(sentence, words);
        assert.ok(readFileSync(path).equals(bytes), 'opening changed the file');
      });
  });
});
