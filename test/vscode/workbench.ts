// The real VS Code server with the extension from this checkout, in headless Chromium. The page is driven by
// Playwright, the extension host by host.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Frame, Page } from 'playwright-core';
import { launchBrowser } from '../lib/browser.ts';
import { needBuilt, root } from '../lib/programs.ts';
import { freePort, sleep } from '../ssh/harness.ts';
import type { HostApi } from './host.ts';

/** Installed by setup.mjs. */
const serverMain = join(root, 'test/vscode/node_modules/code-server/lib/vscode/out/server-main.js');

export const screenshots = join(root, 'test', 'build', 'screenshots', 'vscode');

export class Workbench {
  readonly page: Page;
  /** Where the editor keeps everything; gone after close(). */
  readonly directory: string;
  readonly #browser: Browser;
  readonly #server: ChildProcess;
  readonly #port: number;

  private constructor(
    parts: Readonly<{ page: Page; directory: string; browser: Browser; server: ChildProcess; port: number }>,
  ) {
    this.page = parts.page;
    this.directory = parts.directory;
    this.#browser = parts.browser;
    this.#server = parts.server;
    this.#port = parts.port;
  }

  static async open(
    options: { readonly settings?: Readonly<Record<string, unknown>> } = {},
  ): Promise<Workbench> {
    needBuilt(serverMain, join(root, 'dist', 'extension.js'));
    mkdirSync(screenshots, { recursive: true });
    const directory = mkdtempSync(join(tmpdir(), 'wakechain-vscode-'));
    const folder = join(directory, 'folder');
    const user = join(directory, 'user');
    mkdirSync(folder);
    // The web workbench keeps a person's settings in the browser; machine settings lie with the server.
    mkdirSync(join(user, 'Machine'), { recursive: true });
    writeFileSync(
      join(user, 'Machine', 'settings.json'),
      JSON.stringify({ 'workbench.startupEditor': 'none', ...options.settings }),
    );
    const program = join(directory, 'host.cjs');
    await build({
      entryPoints: [join(root, 'test', 'vscode', 'host.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['vscode'],
      logLevel: 'warning',
    });
    const [port, hostPort] = [await freePort(), await freePort()];
    const server = spawn(
      process.execPath,
      [
        serverMain,
        ...['--host', '127.0.0.1', '--port', String(port)],
        ...['--without-connection-token', '--accept-server-license-terms', '--enable-smoke-test-driver'],
        ...[
          '--disable-workspace-trust',
          '--disable-telemetry',
          '--server-data-dir',
          join(directory, 'server'),
        ],
        ...['--user-data-dir', user, '--extensions-dir', join(directory, 'extensions')],
      ],
      {
        env: { ...process.env, WAKECHAIN_TEST_PORT: String(hostPort), HOME: directory },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let words = '';
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (chunk: Buffer) => {
        words = (words + chunk.toString()).slice(-10_000);
      });
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
      // A machine may be busy with something else: slow is no failure.
      page.setDefaultTimeout(120_000);
      await page.exposeFunction('codeAutomationLog', () => undefined);
      await page.exposeFunction('codeAutomationExit', () => undefined);
      const at = `vscode-remote://127.0.0.1:${port}`;
      const payload = [
        ['extensionDevelopmentPath', `${at}${root}`],
        ['extensionTestsPath', `${at}${program}`],
        ['skipWelcome', 'true'],
      ];
      const address = `http://127.0.0.1:${port}/?folder=${folder}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
      await retry(
        20_000,
        () => page.goto(address, { waitUntil: 'commit' }),
        () => words,
      );
      const workbench = new Workbench({ page, directory, browser, server, port: hostPort });
      // The extension host may be up before the page knows what extensions contribute: without our custom editor a
      // trace would open as text.
      await retry(
        180_000,
        async () => {
          const commands = await workbench.call('commands');
          if (!commands.includes('workbench.view.extension.wakechain'))
            throw new Error('nothing of ours is contributed');
        },
        () => words,
      );
      return workbench;
    } catch (error) {
      await browser.close();
      server.kill();
      throw error;
    }
  }

  /** Calls into the extension host. */
  async call<M extends keyof HostApi>(
    method: M,
    ...args: Parameters<HostApi[M]>
  ): Promise<ReturnType<HostApi[M]>> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/`, {
      method: 'POST',
      body: JSON.stringify({ method, args }),
    });
    const result: { ok?: ReturnType<HostApi[M]>; error?: string } = JSON.parse(await answer.text());
    if (result.error !== undefined) throw new Error(`${method}: ${result.error}`);
    return result.ok as ReturnType<HostApi[M]>;
  }

  /** The frame of our page inside the editor's own frames, once it shows something that `selector` finds. */
  async view(selector: string, timeoutMs = 120_000): Promise<Frame> {
    try {
      return await retry(timeoutMs, async () => {
        for (const frame of this.page.frames()) {
          const found = await frame.$(selector).catch(() => null);
          if (found && (await found.isVisible())) return frame;
        }
        throw new Error(`no frame shows ${selector}`);
      });
    } catch (error) {
      await this.screenshot('missing');
      throw error;
    }
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(screenshots, `${name}.png`) });
  }

  /**
   * The text of all notifications. Under the smoke-test driver they do not pop up: they are read in their list, which
   * is opened for it.
   */
  async notifications(): Promise<readonly string[]> {
    await this.call('command', 'notifications.showList');
    return this.page.$$eval('.notification-list-item-message', nodes =>
      nodes.map(node => node.textContent ?? ''),
    );
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.kill();
    await new Promise(done => this.#server.once('exit', done));
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** Tries again until it works or the time is up; then fails with the last reason. */
export async function retry<T>(
  ms: number,
  attempt: () => Promise<T>,
  words: () => string = () => '',
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw new Error(`${error instanceof Error ? error.message : error}\n${words()}`);
      await sleep(200);
    }
  }
}
