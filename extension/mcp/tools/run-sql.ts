// run_sql: one SELECT of the agent's own.

import * as z from 'zod';
import type { SqlResult } from '../../trace/api.ts';
import { inputOf } from '../input.ts';
import { ask, cutsOutput, tool, traceArgument } from '../tool.ts';
import { count, plain } from '../words.ts';

const DEFAULT_CHARACTERS = 6_000;
const ASKED_CHARACTERS = 100_000;
/** Characters of a cell in the short text. */
const CELL = 40;
/** Characters of the short text. */
const TEXT = 2_000;

export const runSql = tool({
  name: 'run_sql',
  title: 'Query a trace with SQL',
  description:
    'One read-only SELECT (SQLite) over a trace, stopped after 5 s. Views: cuda_calls(id, pid, tid, process, thread, ' +
    'function, library, category, kernel, start_ns, duration_ns, parent_id, result, bytes, stream, ..., stack_id, ' +
    'thread_id), off_cpu_events(id, pid, tid, process, thread, start_ns, duration_ns, began_before, runnable_ns, ' +
    'blocked_ns, reason, syscall, object_kind, object, futex_op, waker_pid, waker_tid, waker_process, waker_thread, ' +
    'waker_context, next_process, ..., thread_id), threads(thread_id, pid, tid, thread, process, command_line, ' +
    'is_target), host_events. Tables: cpu_slice(cpu, start_ns, thread_id, duration_ns), cpu_sample, block_io, ' +
    'memory_stall, instant, sample, annotation, probe, loss, coverage, meta, stack, frame. Times are nanoseconds since ' +
    "the capture began; duration_ns NULL = still open at its end. Columns: SELECT name FROM pragma_table_info('probe').",
  input: inputOf({
    trace: traceArgument,
    query: z.string().min(1).describe('One SELECT'),
    limit: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('Rows; default 100, cut earlier when they are long'),
  }),
  output: z.object({
    trace: z.string(),
    columns: z.array(z.string()),
    rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
    truncated: z.boolean(),
    cuts: cutsOutput,
  }),
  run: async (context, { query, limit, ...args }) => {
    const { known, trace } = await ask(context, args);
    const result = await trace.call('sql', { query, limit: limit ?? 100 }, context.signal);
    const room = limit === undefined ? DEFAULT_CHARACTERS : ASKED_CHARACTERS;
    const rows = fitRows(result.rows, room);
    const truncated = result.truncated || rows.length < result.rows.length;
    const cuts = truncated
      ? [`the first ${rows.length} rows; there are more: raise limit, aggregate, or narrow the query`]
      : [];
    return {
      structured: { trace: known.id, columns: result.columns, rows, truncated, cuts },
      lines: table(result.columns, rows, cuts),
      rows: rows.length,
    };
  },
});

/** As many rows as fit; the first is always there, its long cells cut. */
function fitRows(rows: SqlResult['rows'], characters: number): SqlResult['rows'] {
  const fitted: (typeof rows)[number][] = [];
  let used = 0;
  for (const row of rows) {
    used += JSON.stringify(row).length;
    if (used > characters && fitted.length > 0) break;
    fitted.push(
      used > characters
        ? row.map(cell => (typeof cell === 'string' ? shorten(cell, characters) : cell))
        : row,
    );
  }
  return fitted;
}

function table(
  columns: readonly string[],
  rows: SqlResult['rows'],
  cuts: readonly string[],
): readonly string[] {
  const shown = rows
    .slice(0, 10)
    .map(row => row.map(cell => shorten(plain(String(cell ?? 'NULL')), CELL)).join(' | '));
  const rest = rows.length > shown.length ? [`... ${count(rows.length)} rows in all`] : [];
  let room = TEXT;
  return [columns.join(' | '), ...shown, ...rest, ...cuts.map(cut => `Cut: ${cut}.`)].flatMap(line => {
    const kept = line.slice(0, room);
    room = Math.max(0, room - line.length - 1);
    return kept === '' ? [] : [kept];
  });
}

const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;
