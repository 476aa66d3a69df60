// The MCP server's program: reads the command line, then speaks the protocol on standard output and nothing else.
// What takes time to load is loaded only by the command that needs it.

import { parseCommand, usage } from './arguments.ts';
import { unfitNode } from './runtime.ts';
import { version } from './version.ts';

async function run(): Promise<number | undefined> {
  const command = parseCommand(process.argv.slice(2));
  switch (command.do) {
    case 'help':
      process.stdout.write(usage);
      return 0;
    case 'version':
      process.stdout.write(`${version}\n`);
      return 0;
    case 'wrong':
      process.stderr.write(`${command.message}\n\n${usage}`);
      return 2;
    case 'verify': {
      const { verifyAudit } = await import('./audit.ts');
      const result = verifyAudit(command.file);
      process.stdout.write(`${result.message}\n`);
      return result.sound ? 0 : 1;
    }
    case 'serve': {
      const unfit = unfitNode(process.versions.node);
      if (unfit !== undefined) throw new Error(unfit);
      const { serve } = await import('./serve.ts');
      serve(command.options, process.argv[1] ?? '');
      return undefined;
    }
  }
}

run().then(
  status => {
    if (status !== undefined) process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
