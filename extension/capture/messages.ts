// What the collector says, one JSON object a line (`wakechain-collector --help`). It ran on another machine, perhaps in
// another version: what is needed is checked, what is not known is let through unread.

import { z } from 'zod';

const count = z.number().nonnegative();

const line = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('started'), pid: count.optional() }),
  z.looseObject({
    type: z.literal('progress'),
    /** By class of event. */
    events: z.union([count, z.record(z.string(), count)]).optional(),
    lost: count.optional(),
    bytes: count.optional(),
  }),
  z.looseObject({ type: z.literal('finalizing'), share: z.number().optional() }),
  z.looseObject({
    type: z.literal('finished'),
    file: z.string(),
    bytes: count,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    events: z.union([count, z.record(z.string(), count)]).optional(),
    lost: count.optional(),
    exit_status: z.number().nullish(),
  }),
  z.looseObject({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    hint: z.string().nullish(),
  }),
]);

export type CollectorLine = z.infer<typeof line>;
export type FinishedLine = Extract<CollectorLine, { type: 'finished' }>;

/** Undefined for a line that is none of these: a newer collector's, or a login shell's greeting. */
export function parseLine(text: string): CollectorLine | undefined {
  const parsed = line.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

/** The line that a collector ended with, for a trace whose maker is gone; undefined when a value is none. */
export function finishedLine(file: string, bytes: number, sha256: string): FinishedLine | undefined {
  const parsed = line.safeParse({ type: 'finished', file, bytes, sha256 });
  return parsed.success && parsed.data.type === 'finished' ? parsed.data : undefined;
}

/** Events counted so far, over all classes. */
export function countEvents(events: number | Readonly<Record<string, number>> | undefined): number {
  if (events === undefined) return 0;
  return typeof events === 'number' ? events : Object.values(events).reduce((sum, n) => sum + n, 0);
}

const checkItem = z.looseObject({
  code: z.string(),
  state: z.enum(['pass', 'degraded', 'fail']),
  message: z.string(),
  cost: z.string().nullish(),
  hint: z.string().nullish(),
});
export type CheckItem = z.infer<typeof checkItem>;

const foundProcess = z.looseObject({
  pid: count,
  name: z.string(),
  command_line: z.string().nullish(),
  user: z.string().nullish(),
  gpu_memory_bytes: z.number().nullish(),
});
export type FoundProcess = z.infer<typeof foundProcess>;

/** The items of `check --json`, in its order; lines that are none are left out. */
export const parseCheck = (stdout: string): CheckItem[] => items(stdout, checkItem, 'items');

/** The processes of `processes --json`. */
export const parseProcesses = (stdout: string): FoundProcess[] => items(stdout, foundProcess, 'processes');

/** One object a line, or one object (or array) that holds them all under `key`. */
function items<T>(stdout: string, schema: z.ZodType<T>, key: string): T[] {
  return stdout
    .split('\n')
    .map(parseJson)
    .flatMap(value =>
      Array.isArray(value) ? value : isRecord(value) && Array.isArray(value[key]) ? value[key] : [value],
    )
    .flatMap(value => {
      const parsed = schema.safeParse(value);
      return parsed.success ? [parsed.data] : [];
    });
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
