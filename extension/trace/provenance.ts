// Whether a trace is still the file that the collector wrote: its SHA-256 stands beside it, as FILE.sha256. A file is
// hashed once for each size, time and inode.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { TraceSummary } from './api.ts';

export type Provenance = TraceSummary['provenance'];

const known = new Map<string, Promise<string>>();

/** `verified`: the hash beside the file is the file's; `changed`: it is not; `not known`: there is none beside it. */
export async function provenance(path: string): Promise<Provenance> {
  const claimed = await claimedHash(`${path}.sha256`);
  if (claimed === undefined) return { sha256: undefined, state: 'not known' };
  const actual = await hashOf(path);
  return { sha256: claimed, state: actual === claimed ? 'verified' : 'changed' };
}

/** The hash in `hex` or `hex  name`; undefined where the file is absent or holds something else. */
async function claimedHash(file: string): Promise<string | undefined> {
  try {
    const text = await readFile(file, 'utf8');
    return /^([0-9a-f]{64})(?:\s|$)/i.exec(text)?.[1]?.toLowerCase();
  } catch {
    return undefined;
  }
}

async function hashOf(path: string): Promise<string | undefined> {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    const key = `${path}\n${size} ${mtimeMs} ${ino}`;
    let hash = known.get(key);
    if (hash === undefined) {
      hash = readHash(path);
      known.set(key, hash);
      hash.catch(() => known.delete(key));
    }
    return await hash;
  } catch {
    return undefined;
  }
}

async function readHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
