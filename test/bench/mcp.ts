// How long an agent waits for the MCP server: from spawn to the answer of `initialize`.

import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { type Bench, ms } from '../../scripts/bench/report.ts';

export const bench: Bench = async root => {
  const taken: number[] = [];
  for (let run = 0; run < 5; run++) {
    const client = new Client({ name: 'bench', version: '1' });
    const begin = performance.now();
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [join(root, 'dist/mcp.js'), '--traces', join(root, 'out')],
      }),
    );
    taken.push(performance.now() - begin);
    await client.close();
  }
  const median = taken.toSorted((a, b) => a - b)[2] ?? 0;
  return [
    { what: 'MCP: spawn to initialize', target: '<= 150 ms', measured: ms(median), rival: '', ratio: '' },
  ];
};
