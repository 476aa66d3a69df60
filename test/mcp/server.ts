// The built MCP server and the official client, joined by standard input and output.

import { fileURLToPath } from 'node:url';
import { type CallToolResult, Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

export const program = fileURLToPath(new URL('../../dist/mcp.js', import.meta.url));

export interface Connection {
  readonly client: Client;
  call(tool: string, args?: Record<string, unknown>): Promise<CallToolResult>;
  /** The structured answer of a call that must succeed. */
  ask<T = Record<string, unknown>>(tool: string, args?: Record<string, unknown>): Promise<T>;
  /** The sentence of a call that must fail. */
  fail(tool: string, args?: Record<string, unknown>): Promise<string>;
}

export async function connect(
  test: { after(cleanUp: () => Promise<void>): void },
  args: readonly string[],
): Promise<Connection> {
  const client = new Client({ name: 'wakechain-test', version: '1' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, ...args],
    stderr: 'inherit',
  });
  await client.connect(transport);
  test.after(() => client.close());
  const call = (name: string, given: Record<string, unknown> = {}) =>
    client.callTool({ name, arguments: given });
  return {
    client,
    call,
    ask: async <T>(name: string, given?: Record<string, unknown>) => {
      const result = await call(name, given);
      if (result.isError === true) throw new Error(textOf(result));
      return result.structuredContent as T;
    },
    fail: async (name, given) => {
      const result = await call(name, given);
      if (result.isError !== true) throw new Error(`${name} was answered: ${textOf(result)}`);
      return textOf(result);
    },
  };
}

export function textOf(result: CallToolResult): string {
  return result.content.map(part => (part.type === 'text' ? part.text : '')).join('\n');
}
