// An append-only log of what agents asked. Each line holds the hash of the line before, so that a changed or removed
// line breaks the chain; a small file beside the log (FILE.head) holds the last line's number and hash, so that a
// removed tail is found too. Several servers may write one log: a lock file lets one of them append at a time.

import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

export interface AuditEntry {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Name and version that the client gave. */
  readonly client: string;
  /** A tool's name, or the protocol's method for a discovery. */
  readonly tool: string;
  readonly arguments: string;
  readonly rows: number;
  readonly bytes: number;
  readonly durationMs: number;
  /** "ok", or the reason of the error. */
  readonly outcome: string;
}

interface Line extends AuditEntry {
  readonly seq: number;
  readonly previous: string;
  readonly hash: string;
}

const GENESIS = '0'.repeat(64);
const LOCK_WAIT_MS = 2_000;
/** A lock this old belongs to a process that died while it held it. */
const LOCK_STALE_MS = 10_000;

export function appendAudit(file: string, entry: AuditEntry): void {
  const release = lock(`${file}.lock`);
  try {
    const last = lastLine(file);
    const body = { seq: (last?.seq ?? 0) + 1, ...entry, previous: last?.hash ?? GENESIS };
    const hash = hashOf(body);
    appendFileSync(file, `${JSON.stringify({ ...body, hash })}\n`, { mode: 0o600 });
    writeFileSync(`${file}.head.new`, JSON.stringify({ seq: body.seq, hash }), { mode: 0o600 });
    renameSync(`${file}.head.new`, `${file}.head`);
  } finally {
    release();
  }
}

export interface Verdict {
  readonly sound: boolean;
  readonly message: string;
}

/** Follows the chain from the first line to the last. */
export function verifyAudit(file: string): Verdict {
  if (!existsSync(file)) return { sound: false, message: `There is no file ${file}.` };
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n');
  if (lines.pop() !== '') return { sound: false, message: `Line ${lines.length + 1} is cut short.` };
  let previous = GENESIS;
  for (const [i, raw] of lines.entries()) {
    const line = parseLine(raw);
    if (line === undefined) return { sound: false, message: `Line ${i + 1} is not a line of this log.` };
    const { hash, ...body } = line;
    if (body.seq !== i + 1 || body.previous !== previous) {
      return { sound: false, message: `Before line ${i + 1} a line is missing, or was put in.` };
    }
    if (hashOf(body) !== hash) return { sound: false, message: `Line ${i + 1} was changed.` };
    previous = hash;
  }
  const head = readHead(file);
  if (head === undefined) {
    return lines.length === 0
      ? { sound: true, message: 'The log is empty.' }
      : {
          sound: false,
          message: `${file}.head is missing: whether lines at the end were removed cannot be told.`,
        };
  }
  const there = head.seq === 0 ? undefined : parseLine(lines[head.seq - 1] ?? '');
  if (there?.hash !== head.hash) {
    return {
      sound: false,
      message: `The log ends at line ${lines.length}, but line ${head.seq} was written.`,
    };
  }
  return { sound: true, message: `${lines.length} lines, none changed or removed.` };
}

function hashOf(body: Omit<Line, 'hash'>): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}

function parseLine(raw: string): Line | undefined {
  try {
    const line = JSON.parse(raw) as Line;
    return typeof line.seq === 'number' && typeof line.hash === 'string' ? line : undefined;
  } catch {
    return undefined;
  }
}

function readHead(file: string): { readonly seq: number; readonly hash: string } | undefined {
  try {
    return JSON.parse(readFileSync(`${file}.head`, 'utf8')) as { seq: number; hash: string };
  } catch {
    return undefined;
  }
}

/** The last whole line, read from the end of the file. */
function lastLine(file: string): Line | undefined {
  if (!existsSync(file)) return undefined;
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    for (let length = Math.min(size, 8_192); length > 0; length = Math.min(size, length * 4)) {
      const tail = Buffer.alloc(length);
      readSync(handle, tail, 0, length, size - length);
      const lines = tail.toString('utf8').trimEnd().split('\n');
      if (lines.length > 1 || length === size) {
        const line = parseLine(lines.at(-1) ?? '');
        if (line === undefined) throw new Error(`the audit log ${file} does not end with a whole line`);
        return line;
      }
    }
    return undefined;
  } finally {
    closeSync(handle);
  }
}

function lock(path: string): () => void {
  const until = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      closeSync(openSync(path, 'wx', 0o600));
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (isStale(path)) rmSync(path, { force: true });
      else if (Date.now() > until) throw new Error(`the audit log is locked by ${path}`);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function isStale(path: string): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs > LOCK_STALE_MS;
  } catch {
    return false;
  }
}
