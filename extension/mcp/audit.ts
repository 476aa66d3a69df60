// An append-only log of what agents asked. Each line holds the hash of the line before, so that a changed or removed
// line breaks the chain; a small file beside the log (FILE.head) holds the last line's number and hash, so that a
// removed tail is found too. Several servers may write one log: a lock file lets one of them append at a time.
// A server that is killed, or a disk that fills up, while a line is written leaves a torn one. It stays as it is; the
// next line begins anew and vouches for it too, so that nobody can put in what looks like one.

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
  /** JSON, cut after 2000 characters. */
  readonly arguments: string;
  /** Of the whole arguments, in UTF-8. */
  readonly argumentsBytes: number;
  /** SHA-256 of the same, in hex: what was cut can be recognised. */
  readonly argumentsSha256: string;
  readonly rows: number;
  readonly bytes: number;
  readonly durationMs: number;
  /** "ok", or the reason of the error. */
  readonly outcome: string;
}

interface Line extends AuditEntry {
  readonly seq: number;
  /** What stands between the line before and this one, and is no whole line. */
  readonly afterTorn?: Torn;
  readonly previous: string;
  readonly hash: string;
}

const GENESIS = '0'.repeat(64);
const LOCK_WAIT_MS = 2_000;
/** A lock this old belongs to a process that died while it held it. */
const LOCK_STALE_MS = 10_000;

interface Torn {
  readonly bytes: number;
  readonly sha256: string;
}

const ARGUMENTS_KEPT = 2_000;

/** How the arguments of a call stand in the log. */
export function argumentsOf(
  args: unknown,
): Pick<AuditEntry, 'arguments' | 'argumentsBytes' | 'argumentsSha256'> {
  const whole = JSON.stringify(args ?? {});
  return {
    arguments: whole.slice(0, ARGUMENTS_KEPT),
    argumentsBytes: Buffer.byteLength(whole),
    argumentsSha256: sha256(whole),
  };
}

/** `tell` hears of a torn line that was found at the end of the log. */
export function appendAudit(file: string, entry: AuditEntry, tell: (words: string) => void): void {
  const release = lock(`${file}.lock`);
  try {
    const { last, torn, endsMidLine } = endOf(file);
    const head = readHead(file);
    // The head is ahead where whole lines were removed: the chain goes on from it, so that the gap stays visible.
    const before = head !== undefined && head.seq >= (last?.seq ?? 0) ? head : last;
    const body = {
      seq: (before?.seq ?? 0) + 1,
      ...entry,
      ...(torn === undefined ? {} : { afterTorn: torn }),
      previous: before?.hash ?? GENESIS,
    };
    const hash = hashOf(body);
    const line = `${JSON.stringify({ ...body, hash })}\n`;
    appendFileSync(file, endsMidLine ? `\n${line}` : line, { mode: 0o600 });
    if (torn !== undefined)
      tell(
        `the audit log ${file} ended with a torn line (${torn.bytes} bytes): it was kept, and a new line begun`,
      );
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

/** Follows the chain from the first line to the last. Torn lines that a later line vouches for are named, and no fault. */
export function verifyAudit(file: string): Verdict {
  if (!existsSync(file)) return { sound: false, message: `There is no file ${file}.` };
  const lines = linesOf(readFileSync(file));
  if (lines.pop() !== '') {
    const message = `Line ${lines.length + 1} is cut short: a server ended while it wrote it. The next call begins a new line.`;
    return { sound: false, message };
  }
  const head = readHead(file);
  const chain: Line[] = [];
  const tornAt: number[] = [];
  /** Lines that are none, until the next line vouches for them. */
  let odd: string[] = [];
  for (const [i, raw] of lines.entries()) {
    const line = parseLine(raw);
    if (line === undefined) {
      odd.push(raw);
      continue;
    }
    const fault = faultOf(line, chain.at(-1), odd, i + 1);
    if (fault !== undefined) return { sound: false, message: fault };
    tornAt.push(...odd.map((_, back) => i - odd.length + back + 1));
    odd = [];
    chain.push(line);
  }
  if (odd.length > 0) return { sound: false, message: notALine(lines.length - odd.length + 1) };
  if (head === undefined) {
    return lines.length === 0
      ? { sound: true, message: 'The log is empty.' }
      : {
          sound: false,
          message: `${file}.head is missing: whether lines at the end were removed cannot be told.`,
        };
  }
  if (chain[head.seq - 1]?.hash !== head.hash) {
    const message = `The log ends at line ${lines.length}, but entry ${head.seq} was written.`;
    return { sound: false, message };
  }
  const torn =
    tornAt.length === 0
      ? ''
      : ` Torn, and kept as they were: line ${tornAt.join(', ')}; a server ended while it wrote there.`;
  return { sound: true, message: `${chain.length} lines, none changed or removed.${torn}` };
}

const notALine = (number: number): string => `Line ${number} is not a line of this log.`;

function faultOf(
  line: Line,
  before: Line | undefined,
  odd: readonly string[],
  number: number,
): string | undefined {
  const between = tornOf(odd);
  if (between?.bytes !== line.afterTorn?.bytes || between?.sha256 !== line.afterTorn?.sha256)
    return between ? notALine(number - odd.length) : `Before line ${number} a torn line is missing.`;
  const { hash, ...body } = line;
  if (body.seq !== (before?.seq ?? 0) + 1 || body.previous !== (before?.hash ?? GENESIS))
    return `Before line ${number} a line is missing, or was put in.`;
  return hashOf(body) === hash ? undefined : `Line ${number} was changed.`;
}

/** One character for each byte: what is torn may end in the middle of a character. */
const linesOf = (bytes: Buffer): string[] => bytes.toString('latin1').split('\n');

function tornOf(lines: readonly string[]): Torn | undefined {
  if (lines.length === 0) return undefined;
  const bytes = Buffer.from(lines.join('\n'), 'latin1');
  return { bytes: bytes.length, sha256: sha256(bytes) };
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

const hashOf = (body: Omit<Line, 'hash'>): string => sha256(JSON.stringify(body));

function parseLine(raw: string): Line | undefined {
  try {
    const line = JSON.parse(Buffer.from(raw, 'latin1').toString('utf8')) as Line;
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

/** How the log ends, read from the end of the file; throws for a file that is none of our logs. */
function endOf(file: string): { last?: Line; torn?: Torn; endsMidLine: boolean } {
  if (!existsSync(file)) return { endsMidLine: false };
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    for (let length = Math.min(size, 8_192); length > 0; length = Math.min(size, length * 4)) {
      const tail = Buffer.alloc(length);
      readSync(handle, tail, 0, length, size - length);
      const lines = linesOf(tail);
      const endsMidLine = lines.at(-1) !== '';
      if (!endsMidLine) lines.pop();
      // The first of them may have begun before.
      const known = length === size ? lines : lines.slice(1);
      const at = known.findLastIndex(line => parseLine(line) !== undefined);
      if (at < 0 && length < size) continue;
      if (at < 0 && !beginsALine(known[0] ?? '')) throw new Error(`${file} is no audit log of Wakechain`);
      const last = parseLine(known[at] ?? '');
      const torn = tornOf(known.slice(at + 1));
      return { ...(last ? { last } : {}), ...(torn ? { torn } : {}), endsMidLine };
    }
    return { endsMidLine: false };
  } finally {
    closeSync(handle);
  }
}

const beginsALine = (text: string): boolean => {
  const beginning = '{"seq":';
  return text.startsWith(beginning) || beginning.startsWith(text);
};

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
