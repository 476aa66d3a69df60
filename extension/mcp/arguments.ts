// The command line of the MCP server (commands.md).

import { parseArgs } from 'node:util';

export const usage = `wakechain MCP server: answers questions about GPU traces over standard input and output.

  node mcp.js [--traces DIR]... [--registry FILE] [--audit FILE]
  node mcp.js verify-audit FILE

  --traces DIR      a folder of *.wakechain.db files; new ones are found as they appear (repeatable)
  --registry FILE   a list of traces kept by the editor: {"version":1,"traces":["/absolute/path", ...]}
  --audit FILE      append a line for each call to this log; each line vouches for the one before
  verify-audit FILE says whether any line of such a log was changed or removed; exit status 1 if so
  --version, --help

It needs Node 24.15 or newer.
`;

export type Command =
  | { readonly do: 'serve'; readonly options: ServeOptions }
  | { readonly do: 'verify'; readonly file: string }
  | { readonly do: 'help' }
  | { readonly do: 'version' }
  | { readonly do: 'wrong'; readonly message: string };

export interface ServeOptions {
  readonly folders: readonly string[];
  readonly registry: string | undefined;
  readonly audit: string | undefined;
}

export function parseCommand(args: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        traces: { type: 'string', multiple: true },
        registry: { type: 'string' },
        audit: { type: 'string' },
        help: { type: 'boolean' },
        version: { type: 'boolean' },
      },
    });
    if (values.help === true) return { do: 'help' };
    if (values.version === true) return { do: 'version' };
    const [verb, file, ...more] = positionals;
    if (verb === 'verify-audit' && file !== undefined && more.length === 0) return { do: 'verify', file };
    if (verb === 'verify-audit') return { do: 'wrong', message: 'verify-audit takes one file' };
    if (verb !== undefined) return { do: 'wrong', message: `unknown argument "${verb}"` };
    return {
      do: 'serve',
      options: { folders: values.traces ?? [], registry: values.registry, audit: values.audit },
    };
  } catch (error) {
    return { do: 'wrong', message: error instanceof Error ? error.message : String(error) };
  }
}
