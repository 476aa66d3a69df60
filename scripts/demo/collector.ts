// The collector as the demo uses it: on this machine, as root or through sudo, its JSON lines read as they come.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { collector } from '../../test/lib/programs.ts';

type Line = Record<string, unknown>;

/** Runs the collector; resolves with its JSON lines and exit status. What it says to people goes to standard error. */
function collect(args: readonly string[]): Promise<{ lines: Line[]; status: number }> {
  const asRoot = process.getuid?.() === 0;
  const [program, all] = asRoot ? [collector, args] : ['sudo', [collector, ...args]];
  return new Promise((resolve, reject) => {
    const child = spawn(program, all, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: Line[] = [];
    createInterface({ input: child.stdout }).on('line', line => {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null) lines.push({ ...value });
    });
    child.on('error', reject);
    child.on('close', status => resolve({ lines, status: status ?? 1 }));
  });
}

/** Whether a capture can work here, and if not why, in a sentence. */
export async function checkHost(): Promise<{ capable: true } | { capable: false; why: string }> {
  if (process.platform !== 'linux')
    return { capable: false, why: `eBPF is Linux, and this is ${process.platform}.` };
  const { lines, status } = await collect(['check', '--json']);
  if (status === 0) return { capable: true };
  const items = lines.flatMap(line => (Array.isArray(line['items']) ? line['items'] : [line]));
  const failed = items.filter((item: Line) => item['state'] === 'fail');
  const say = (item: Line) => [item['message'], item['hint']].filter(Boolean).join(' ');
  return {
    capable: false,
    why: failed.map(say).join(' ') || 'the check failed; run it with `wakechain-collector check`.',
  };
}

export interface Finished {
  readonly events: number;
  readonly lost: number;
}

/** Through sudo the trace would be root's alone. */
const owner = () => {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? [] : ['--owner', String(uid)];
};

/** Captures a command from its start to its end. Throws with the collector's own sentence when it fails. */
export async function capture({
  output,
  command,
}: {
  output: string;
  command: readonly string[];
}): Promise<Finished> {
  const { lines } = await collect(['capture', '--output', output, ...owner(), '--', ...command]);
  const last = lines.at(-1);
  if (last?.['type'] !== 'finished') {
    throw new Error(
      `the capture failed: ${last?.['message'] ?? 'it ended without a word'} ${last?.['hint'] ?? ''}`,
    );
  }
  const byClass = Object.values({ ...(last['events'] as object) }).map(Number);
  return { events: byClass.reduce((sum, count) => sum + count, 0), lost: Number(last['lost']) };
}
