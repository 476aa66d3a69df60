// Asks the bundled MCP server for the causes, as any agent would: a real client over stdio.

import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { CausesResult } from '../../extension/trace/api.ts';

/** The answer of `get_causal_chains` on the newest trace of a folder. */
export async function askForCauses(root: string, folder: string): Promise<CausesResult> {
  const client = new Client({ name: 'wakechain-demo', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(root, 'dist', 'mcp.js'), '--traces', folder],
    }),
  );
  try {
    const answer = await client.callTool({ name: 'get_causal_chains', arguments: {} });
    if (answer.isError || !isCausesResult(answer.structuredContent)) {
      throw new Error(`get_causal_chains failed: ${JSON.stringify(answer.content)}`);
    }
    return answer.structuredContent;
  } finally {
    await client.close();
  }
}

const isCausesResult = (value: unknown): value is CausesResult =>
  typeof value === 'object' && value !== null && 'causes' in value && Array.isArray(value.causes);
