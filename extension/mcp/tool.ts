// What a tool is, and the arguments that most of them share. The server wraps each with the same checks: a rate, an
// audit line, control characters out, errors as sentences.

import * as z from 'zod';
import type { Trace } from '../trace/api.ts';
import type { Glance } from '../trace/query/client.ts';
import type { Span } from '../trace/time.ts';
import type { KnownTrace, Shelf } from './shelf.ts';
import { type Moment, windowOf } from './window.ts';

interface ToolContext {
  readonly shelf: Shelf;
  /** Aborted when the client takes its question back. */
  readonly signal: AbortSignal;
}

export interface ToolAnswer {
  /** Fits the tool's output schema. */
  readonly structured: Record<string, unknown>;
  /** Stand alone for a reader who sees nothing else. What comes from the host stays within its line: see `plain`. */
  readonly lines: readonly string[];
  /** Rows in the answer, for the audit log. */
  readonly rows: number;
}

export interface Tool<I extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: I;
  readonly output: z.ZodObject;
  run(context: ToolContext, args: z.infer<I>): Promise<ToolAnswer>;
}

/** Keeps the argument type of `run` while tools of different inputs stand in one list. */
export function tool<I extends z.ZodObject>(definition: Tool<I>): Tool {
  return definition as unknown as Tool;
}

export const traceArgument = z
  .string()
  .optional()
  .describe('Trace id from list_traces; the newest when left out');

const moment = z.union([z.number(), z.string()]);

const windowArguments = {
  start: moment
    .optional()
    .describe('Start of the window: seconds since the capture began, or an ISO time in UTC'),
  end: moment.optional().describe('End of the window, in the same forms'),
};

export const pidArgument = z.int().optional().describe('Process id, as the host or as its container sees it');

/** What most questions are about: a trace, a window of it, a process in it. */
export const scopeArguments = { trace: traceArgument, ...windowArguments, pid: pidArgument };

export const cutsOutput = z.array(z.string()).describe('What was left out of this answer, and how to get it');

/** A table's rows of any shape: columns are documented by the tool's description, not by the schema. */
export const records = z.array(z.looseObject({}));

interface Asked {
  readonly known: KnownTrace;
  readonly glance: Glance;
  readonly trace: Trace;
  readonly window: Span | undefined;
  /** The window and the process that were asked about, as queries take them. */
  readonly within: Scope;
}

interface Scope {
  readonly window?: Span;
  readonly pid?: number;
}

/** Opens the trace that is asked about and reads the window against its clock. */
export async function ask(
  { shelf }: ToolContext,
  args: {
    readonly trace?: string | undefined;
    readonly start?: Moment | undefined;
    readonly end?: Moment | undefined;
    readonly pid?: number | undefined;
  },
): Promise<Asked> {
  const known = shelf.find(args.trace);
  const [glance, trace] = await Promise.all([shelf.glance(known), shelf.open(known)]);
  const window = windowOf(args.start, args.end, glance);
  return { known, glance, trace, window, within: scope(window, args.pid) };
}

/** Scope fields that are set, and only those. */
export function scope(window: Span | undefined, pid: number | undefined): Scope {
  return { ...(window === undefined ? {} : { window }), ...(pid === undefined ? {} : { pid }) };
}

/** The first `limit` of a list; says so in `cuts` when there were more. */
export function firstOf<T>(
  items: readonly T[],
  limit: number,
  what: string,
  cuts: string[],
  more: string,
): readonly T[] {
  if (items.length > limit) cuts.push(`${limit} of ${items.length} ${what}; ${more}`);
  return items.slice(0, limit);
}
