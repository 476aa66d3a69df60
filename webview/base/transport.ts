// How the page's messages travel: over the editor's webview channel where there is one, else over the WebSocket of
// `npm run view`. The same messages (protocol.ts) either way.

import type { HostMessage, PageMessage, ViewState } from '../protocol.ts';
import { decodeFrame } from './wire.ts';

export interface Transport {
  send(message: PageMessage): void;
  /** State that the editor itself keeps while the page is hidden. */
  keep(state: ViewState): void;
  kept(): ViewState | undefined;
}

interface Listener {
  message(message: HostMessage): void;
  closed(): void;
}

interface EditorApi {
  postMessage(message: unknown): void;
  setState(state: unknown): void;
  getState(): unknown;
}

declare global {
  var acquireVsCodeApi: (() => EditorApi) | undefined;
}

export function connect(listener: Listener): Transport {
  return globalThis.acquireVsCodeApi === undefined
    ? overWebSocket(listener)
    : overEditor(globalThis.acquireVsCodeApi(), listener);
}

function overEditor(editor: EditorApi, listener: Listener): Transport {
  window.addEventListener('message', event => listener.message(event.data as HostMessage));
  return {
    send: message => editor.postMessage(message),
    keep: state => editor.setState(state),
    kept: () => editor.getState() as ViewState | undefined,
  };
}

function overWebSocket(listener: Listener): Transport {
  const address = new URL('socket', location.href);
  address.protocol = 'ws:';
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  const waiting: string[] = [];
  socket.addEventListener('open', () => {
    for (const text of waiting.splice(0)) socket.send(text);
  });
  socket.addEventListener('message', event =>
    listener.message(decodeFrame(event.data as ArrayBuffer) as HostMessage),
  );
  socket.addEventListener('close', () => listener.closed());
  return {
    send(message) {
      // Without an editor the page's own clipboard does: the host has none to offer.
      if (message.type === 'copy') return void navigator.clipboard.writeText(message.text);
      const text = JSON.stringify(message);
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
      else waiting.push(text);
    },
    keep: () => undefined,
    kept: () => undefined,
  };
}
