// From the command palette to the cause: the real VS Code server captures over a real sshd as an unprivileged user with
// `sudo -n`, the trace opens by itself, and its pictures and its agents agree with the file.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { CaptureOutcome } from '../../extension/capture/outcome.ts';
import { buildWorkloads, collector, fakeCuda, needBuilt, startWorkload, workloads } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { Sandbox, whyNoServer } from '../ssh/harness.ts';
import {
  assertClickMovesTimeline,
  assertFlame,
  assertOverview,
  assertTimeline,
  figures,
  openTab,
  shell,
} from './pictures.ts';
import { retry, Workbench } from './workbench.ts';

describe('a capture in VS Code', { skip: whyNoServer() ?? false }, () => {
  let sandbox: Sandbox;
  let workbench: Workbench;
  let captured: Extract<CaptureOutcome, { kind: 'captured' }>;

  before(async () => {
    needBuilt(collector);
    buildWorkloads();
    sandbox = new Sandbox();
    sandbox.allowSudo('without password');
    cpSync(workloads, sandbox.path('build/workloads'), { recursive: true });
    cpSync(fakeCuda, sandbox.path('build/fakecuda'), { recursive: true });
    const key = sandbox.hostKey('host-ed25519');
    const server = await sandbox.server({ hostKeys: [key.file] });
    const known = sandbox.write('known', `[127.0.0.1]:${server.port} ${key.line}\n`);
    const changed = sandbox.write(
      'changed',
      `[127.0.0.1]:${server.port} ${sandbox.hostKey('another').line}\n`,
    );
    const host = (name: string, knownHosts: string): string =>
      `Host ${name}\n HostName 127.0.0.1\n Port ${server.port}\n User ${sandbox.user.name}\n UserKnownHostsFile ${knownHosts}\n IdentityAgent none\n IdentityFile ${sandbox.user.keyFile}\n`;
    const configFile = sandbox.config(host('gpu', known) + host('impostor', changed));
    workbench = await Workbench.open({ settings: { 'wakechain.ssh.configFile': configFile } });
    await workbench.call('command', 'workbench.action.closeAuxiliaryBar');
  });
  after(async () => {
    await workbench?.close();
    await sandbox?.dispose();
  });

  const processes = (): string =>
    spawnSync('pgrep', ['-f', '-a', `${sandbox.user.home}/.cache/wakechain`], { encoding: 'utf8' }).stdout;

  const notification = (words: RegExp): Promise<string> =>
    retry(120_000, async () => {
      const all = await workbench.notifications();
      return (
        all.find(text => words.test(text)) ??
        assert.fail(`no notification ${words} among: ${all.join(' | ')}`)
      );
    });

  /** Types into the quick pick or input box whose title matches, and accepts. */
  async function answer(title: RegExp, text: string | undefined): Promise<void> {
    await retry(120_000, async () => {
      const shown = await workbench.page.$eval('.quick-input-title', node => node.textContent ?? '');
      assert.match(shown, title);
    });
    if (text !== undefined) await workbench.page.fill('.quick-input-widget input[type=text]', text);
    await workbench.page.keyboard.press('Enter');
  }

  test('called with its arguments, it captures, fetches, and opens the trace', async () => {
    const outcome = (await workbench.call('command', 'wakechain.capture', {
      host: 'gpu',
      target: {
        kind: 'command',
        line: `${sandbox.path('build/workloads/demo')} --duration 2 --log /dev/null`,
      },
    })) as CaptureOutcome;
    assert.ok(outcome.kind === 'captured', JSON.stringify(outcome));
    captured = outcome;
    assert.deepEqual(outcome.leftovers, []);
    await shell(workbench);
    const [tab] = await workbench.call('tabs');
    assert.equal(tab?.viewType, 'wakechain.trace');
    assert.equal(processes(), '');
  });

  test('each tab shows what the database holds; a click on the cause moves the timeline', async () => {
    const trace = new TraceFile(captured.file);
    const frame = await shell(workbench);
    await assertOverview(frame, trace);
    await assertTimeline(frame, trace);
    await assertFlame(frame, trace);
    await assertClickMovesTimeline(frame);
    trace.close();
  });

  test('the cause is the one that the workload has: engine waits, tokenizer holds, and has no CPU', async () => {
    const frame = await shell(workbench);
    await openTab(frame, 'causes');
    const sentences = await frame.$$eval('.cause-item', items => items.map(item => item.textContent ?? ''));
    // Who else had the CPU besides the spinner depends on what this machine does meanwhile.
    assert.ok(
      sentences.some(text => /engine.*held by.*tokenizer.*for (CPU \d+|a CPU) behind/s.test(text)),
      sentences.join('\n'),
    );
    await workbench.call('command', 'workbench.mcp.startServer', 'wakechain.wakechain/Wakechain', {
      waitForLiveTools: true,
    });
    const tool = await retry(20_000, async () => {
      const all = await workbench.call('tools');
      return all.find(({ name }) => name.endsWith('get_causal_chains'))?.name ?? assert.fail('no tool');
    });
    const text = (await workbench.call('invokeTool', tool, { trace: captured.file })).join('\n');
    assert.match(text, /held by tokenizer/);
    const [first] = await figures(frame, '.cause-item');
    assert.ok(text.includes(first?.['cause'] ?? '?'));
  });

  test('screenshots of each tab, dark and light', async () => {
    const frame = await shell(workbench);
    await workbench.call('command', 'notifications.clearAll');
    await workbench.call('command', 'workbench.view.extension.wakechain');
    for (const [name, theme] of [
      ['dark', 'Default Dark Modern'],
      ['light', 'Default Light Modern'],
    ] as const) {
      await workbench.call('setting', 'workbench.colorTheme', theme);
      await frame.waitForSelector(`body[data-vscode-theme-kind=vscode-${name}]`);
      for (const tab of ['overview', 'timeline', 'flame', 'causes'] as const) {
        await openTab(frame, tab);
        await workbench.page.waitForTimeout(400);
        await workbench.screenshot(`captured-${tab}-${name}`);
      }
    }
  });

  test('by its dialogs: host, process, seconds, profile; Stop now keeps what was recorded', async () => {
    const demo = await startWorkload('demo', ['--no-spinner', '--duration', '600', '--log', '/dev/null']);
    demo.say('go');
    try {
      const outcome = workbench.call('command', 'wakechain.capture');
      await answer(/Host/, 'gpu');
      await answer(/What to Record/, `pid ${demo.pid}`);
      await answer(/Seconds to Record/, '500');
      await answer(/Profile/, undefined);
      await notification(/recording\. [\d,]+ events/);
      await workbench.screenshot('recording');
      // Drawn anew with every count: clicked in one go, between two of them.
      await workbench.page.$eval('.notification-list-item-message a', link => (link as HTMLElement).click());
      const result = (await outcome) as CaptureOutcome;
      assert.ok(result.kind === 'captured', JSON.stringify(result));
      const trace = new TraceFile(result.file);
      assert.equal(trace.meta('end_reason'), 'stopped');
      assert.ok(trace.number('SELECT count(*) FROM cuda_call') > 0);
      trace.close();
    } finally {
      demo.kill();
    }
  });

  test('Check Host beside a recording leaves Stop to the recording; without one, Stop says so', async () => {
    await workbench.call('command', 'wakechain.stop');
    await notification(/nothing is being recorded in this window/);
    const outcome = workbench.call('command', 'wakechain.capture', {
      host: 'gpu',
      target: { kind: 'command', line: 'sleep 600' },
    });
    await notification(/recording\. [\d,]+ events/);
    const items = (await workbench.call('command', 'wakechain.check', { host: 'gpu' })) as { code: string }[];
    assert.ok(items.some(({ code }) => code === 'kernel'));
    await workbench.page.keyboard.press('Escape');
    await workbench.call('command', 'wakechain.stop');
    const result = (await outcome) as CaptureOutcome;
    assert.ok(result.kind === 'captured', JSON.stringify(result));
    const trace = new TraceFile(result.file);
    assert.equal(trace.meta('end_reason'), 'stopped');
    trace.close();
  });

  test('a folder for traces that cannot be made: nothing is recorded, and the setting is named', async () => {
    const file = sandbox.write('no-folder', '');
    await workbench.call('setting', 'wakechain.captureDirectory', `${file}/traces`);
    try {
      const outcome = await workbench.call('command', 'wakechain.capture', {
        host: 'gpu',
        target: { kind: 'all' },
      });
      assert.equal(outcome ?? undefined, undefined);
      await notification(/The setting wakechain\.captureDirectory: no trace can be written to .*no-folder/);
    } finally {
      await workbench.call('setting', 'wakechain.captureDirectory', '');
    }
  });

  test('cancelled while recording: nothing is left, and the editor says so', async () => {
    const outcome = workbench.call('command', 'wakechain.capture', {
      host: 'gpu',
      target: { kind: 'command', line: 'sleep 600' },
    });
    await notification(/recording\. [\d,]+ events/);
    await workbench.page.$eval('.notification-list-item .monaco-button', button =>
      (button as HTMLElement).click(),
    );
    assert.equal(((await outcome) as CaptureOutcome).kind, 'cancelled');
    await notification(/cancelled while recording\. Nothing is left on gpu\./);
    assert.equal(processes(), '');
  });

  test('a changed host key: refused without a question, and the editor says why', async () => {
    const outcome = (await workbench.call('command', 'wakechain.capture', {
      host: 'impostor',
      target: { kind: 'all' },
    })) as CaptureOutcome;
    assert.equal(outcome.kind, 'failed');
    await notification(/has changed.*Nothing was sent to it/);
  });

  test('the view lists the captures by host', async () => {
    await workbench.call('command', 'workbench.view.extension.wakechain');
    const rows = await retry(10_000, async () => {
      const texts = await workbench.page.$$eval('.pane-body .monaco-list-row', nodes =>
        nodes.map(node => node.textContent ?? ''),
      );
      assert.ok(texts.length > 0);
      return texts;
    });
    assert.match(rows[0] ?? '', /gpu/);
    assert.equal(rows.filter(text => /MB$/.test(text)).length, 3);
  });
});
