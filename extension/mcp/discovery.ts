// Listens to what a client sends, for the audit log: who it is, and what it looks up besides calling tools.

import { CLIENT_INFO_META_KEY, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/server';
import { plain } from './words.ts';

export interface Listener {
  client(name: string): void;
  discovery(method: string, params: unknown): void;
  closed(): void;
}

const DISCOVERIES =
  /^(initialize|server\/discover|(tools|resources|prompts)\/(list|get|read)|resources\/templates\/list)$/;

/** The same transport; every message is shown to the listener before it is delivered. */
export function watchMessages(transport: Transport, listener: Listener): Transport {
  return new Proxy(transport, {
    set: (target, property, value) => {
      if (property === 'onmessage' && typeof value === 'function') {
        target.onmessage = (message, extra) => {
          notice(message, listener);
          value(message, extra);
        };
        return true;
      }
      if (property === 'onclose') {
        target.onclose = () => {
          listener.closed();
          if (typeof value === 'function') value();
        };
        return true;
      }
      return Reflect.set(target, property, value, target);
    },
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' && property !== 'onmessage' ? value.bind(target) : value;
    },
  });
}

function notice(message: JSONRPCMessage, listener: Listener): void {
  if (!('method' in message)) return;
  const params = message.params as Record<string, unknown> | undefined;
  const meta = params?.['_meta'] as Record<string, unknown> | undefined;
  const info = (params?.['clientInfo'] ?? meta?.[CLIENT_INFO_META_KEY]) as
    | { name?: unknown; version?: unknown }
    | undefined;
  if (info !== undefined)
    listener.client(plain(`${info.name ?? 'unknown'} ${info.version ?? ''}`.trim()).slice(0, 200));
  if (!DISCOVERIES.test(message.method)) return;
  try {
    listener.discovery(message.method, params);
  } catch (error) {
    process.stderr.write(
      `the audit log cannot be written: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
}
