// The MCP server that was built, asked as any client asks it: over stdio, by the official client.

import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { CausesResult } from '../../extension/trace/api.ts';
import { needBuilt, root } from './programs.ts';

const server = join(root, 'dist', 'mcp.js');

/** Starts a server over a folder of traces, for as long as `use` runs. */
async function withMcp<T>(folder: string, use: (client: Client) => Promise<T>): Promise<T> {
  needBuilt(server);
  const client = new Client({ name: 'wakechain-test', version: '1.0.0' });
  const args = [server, '--traces', folder];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/**
 * What `get_causal_chains` answers of the newest trace in a folder. Answers are short: where branches of a tree were
 * left out, the node has `leftOut` with their time.
 */
export async function causalChains(folder: string): Promise<CausesResult> {
  return await withMcp(folder, async client => {
    const answer = await client.callTool({ name: 'get_causal_chains', arguments: {} });
    if (answer.isError === true || answer.structuredContent === undefined)
      throw new Error(`get_causal_chains: ${JSON.stringify(answer.content)}`);
    return answer.structuredContent as unknown as CausesResult;
  });
}
