// The loopback server of `npm run view`: the page of the editor, without the editor. Bound to 127.0.0.1 on a random
// port, under an unguessable path; requests whose Host or Origin is not our own are refused, so that a page elsewhere
// cannot reach it through this browser (DNS rebinding). The WebSocket speaks webview/protocol.ts.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { WebSocketServer } from 'ws';
import { pageHtml, policyOf } from '../../extension/editor/page.ts';
import { Session } from '../../extension/editor/session.ts';
import { encodeFrame } from '../../webview/base/wire.ts';
import type { ViewState } from '../../webview/protocol.ts';
import { openOrImport } from './open.ts';
import { THEMES, themeCss } from './theme.ts';

interface Viewer {
  readonly url: string;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  'main.js': 'text/javascript',
  'main.css': 'text/css',
  'codicon.css': 'text/css',
  'codicon.ttf': 'font/ttf',
};

export async function serve(options: {
  readonly file: string;
  readonly dist: string;
  readonly log: (line: string) => void;
}): Promise<Viewer> {
  const { file, dist, log } = options;
  const token = randomBytes(18).toString('base64url');
  const sessions = new Set<Session>();
  const { trace, gone } = openOrImport(file, join(dist, 'query.js'), log, (done, all) => {
    for (const session of sessions) session.push({ type: 'importing', done, all });
  });
  trace.catch(error => log(error instanceof Error ? error.message : String(error)));
  let kept: ViewState | undefined;

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The viewer got no port of its own.');
  const host = `127.0.0.1:${address.port}`;
  const origin = `http://${host}`;

  const isOurs = (request: IncomingMessage): boolean =>
    request.headers.host === host && (request.headers.origin ?? origin) === origin;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin);
    const name = url.pathname.startsWith(`/${token}/`) ? url.pathname.slice(token.length + 2) : undefined;
    if (!isOurs(request) || request.method !== 'GET' || name === undefined) return refuse(response);
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    const theme = THEMES.find(known => known.name === url.searchParams.get('theme')) ?? THEMES[0];
    if (name === '') {
      const nonce = randomBytes(18).toString('base64');
      const policy = policyOf(origin, nonce, `ws://${host}`);
      response.setHeader('Content-Security-Policy', policy);
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end(
        pageHtml({
          policy,
          nonce,
          script: 'main.js',
          styles: 'main.css',
          icons: 'codicon.css',
          bodyClass: theme.bodyClass,
          themeStyles: `theme.css?theme=${theme.name}`,
        }),
      );
    } else if (name === 'theme.css') {
      response.setHeader('Content-Type', 'text/css; charset=utf-8');
      response.end(themeCss(theme));
    } else if (TYPES[name] !== undefined) {
      response.setHeader('Content-Type', TYPES[name]);
      response.end(await readFile(join(dist, 'webview', name)));
    } else {
      refuse(response);
    }
  }

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 16 * 1024 * 1024,
    // Loopback: compressing costs more than it saves.
    perMessageDeflate: false,
  });
  server.on('upgrade', (request, socket, head) => {
    if (!isOurs(request) || request.headers.origin !== origin || request.url !== `/${token}/socket`) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, page => {
      const session = new Session({
        file: basename(file),
        trace,
        send: message => page.send(encodeFrame(message)),
        state: () => kept,
        keep: state => {
          kept = state;
        },
        openSource: (source, line) => log(`${source}${line === undefined ? '' : `:${line}`}`),
        copy: () => undefined,
        // It is imported before anyone is asked.
        import: () => undefined,
        log,
      });
      sessions.add(session);
      page.on('message', data => session.receive(parse(String(data))));
      page.on('close', () => {
        session.close();
        sessions.delete(session);
      });
      page.on('error', error => log(error.message));
    });
  });

  return {
    url: `${origin}/${token}/`,
    async close() {
      for (const page of sockets.clients) page.terminate();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
      await gone();
    },
  };
}

function refuse(response: ServerResponse): void {
  response.statusCode = 404;
  response.end('Nothing here. The address that `npm run view` printed has a path of its own.\n');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
