// What a trace answers, as types: the one contract between the query process (trace/query/), the editor, the MCP
// server and the webview. Every value survives a structured clone. Times are nanoseconds since the capture began.
// Names of things on the traced host (threads, symbols, paths) are data from a stranger: show them as text only.

import type { Ns, Span } from './time.ts';

/** A row of the trace database: the evidence for something said. `cpu_slice` has no id: its key is (cpu, startNs). */
export type RowRef =
  | {
      readonly table:
        | 'cuda_call'
        | 'off_cpu'
        | 'cpu_sample'
        | 'block_io'
        | 'memory_stall'
        | 'tcp_retransmit'
        | 'instant';
      readonly id: number;
    }
  | { readonly table: 'cpu_slice'; readonly cpu: number; readonly startNs: Ns };

export interface ThreadRef {
  /** thread.id of the file, not the kernel's tid. */
  readonly id: number;
  readonly tid: number;
  readonly pid: number;
  readonly name: string;
  readonly process: string;
}

// open ------------------------------------------------------------------------------------------------------------

export interface TraceSummary {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 as the collector wrote it beside the trace, and whether the file still has it. */
  readonly provenance: {
    readonly sha256: string | undefined;
    readonly state: 'verified' | 'changed' | 'not known';
  };
  readonly schemaVersion: number;
  readonly startUnixNs: string;
  readonly durationNs: Ns;
  readonly host: string;
  readonly kernel: string;
  readonly machine: string;
  readonly cpus: number;
  readonly collectorVersion: string;
  readonly commandLine: string;
  readonly profile: string;
  readonly endReason: string;
  /** Set where the trace was not captured by ours, but imported from another tool's file. */
  readonly imported:
    | { readonly tool: string; readonly version: string | undefined; readonly file: string }
    | undefined;
  /** Rows in each base table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Rows of the tables whose rows are something that happened; names, stacks and belief are none. */
  readonly events: number;
  readonly processes: readonly ProcessInfo[];
  readonly threads: readonly ThreadInfo[];
  readonly belief: Belief;
}

export interface ProcessInfo {
  readonly id: number;
  readonly pid: number;
  readonly name: string;
  readonly commandLine: string | undefined;
  readonly containerId: string | undefined;
  readonly isTarget: boolean;
}

export interface ThreadInfo extends ThreadRef {
  readonly processId: number;
  readonly isTarget: boolean;
  /** CUDA calls it made; > 0 makes it a thread that issues CUDA work. */
  readonly cudaCalls: number;
  readonly offCpuEvents: number;
  readonly offCpuNs: Ns;
}

/** How far the file can be believed: what was lost, thinned, refused, and whether the counters add up. */
export interface Belief {
  readonly consistent: boolean;
  readonly eventsLost: number;
  readonly losses: readonly {
    readonly startNs: Ns;
    readonly durationNs: Ns;
    readonly class: string;
    readonly source: string;
    readonly events: number;
  }[];
  readonly coverage: readonly {
    readonly startNs: Ns;
    readonly durationNs: Ns;
    readonly what: string;
    readonly reason: string;
    readonly kept: number;
  }[];
  readonly probesAsked: number;
  readonly probesAttached: number;
  /** Sentences, each true of this file: "3 of 84 probes were refused: ...". Empty when there is nothing to say. */
  readonly remarks: readonly string[];
}

export interface ProbeRow {
  readonly kind: string;
  readonly target: string;
  readonly rung: string | undefined;
  readonly placement: string | undefined;
  readonly attached: boolean;
  readonly error: string | undefined;
  readonly hits: number | undefined;
  readonly emitted: number | undefined;
  readonly merged: number | undefined;
  readonly filtered: number | undefined;
  readonly lost: number | undefined;
  readonly missed: number | undefined;
}

export interface HostCheck {
  /** What `wakechain-collector check` said on that host, item by item; empty when the file has none. */
  readonly items: readonly {
    readonly code: string;
    readonly state: 'pass' | 'degraded' | 'fail';
    readonly message: string;
    readonly hint: string | undefined;
  }[];
  readonly probes: readonly ProbeRow[];
  readonly meta: Readonly<Record<string, unknown>>;
}

// statistics --------------------------------------------------------------------------------------------------------

/** Limits an answer to a stretch of time and to processes; left out = everything. */
export interface Scope {
  readonly window?: Span;
  /** As the host or as the container sees it. */
  readonly pid?: number;
}

export interface FunctionStats {
  readonly function: string;
  readonly library: string;
  readonly category: string;
  /** Finished calls; percentiles are exact over all of them (nearest rank). */
  readonly count: number;
  /** Calls that had not returned when the capture stopped. */
  readonly open: number;
  readonly failed: number;
  readonly totalNs: Ns;
  readonly minNs: Ns;
  readonly p50Ns: Ns;
  readonly p95Ns: Ns;
  readonly p99Ns: Ns;
  readonly p999Ns: Ns;
  readonly maxNs: Ns;
  /** Calls in each bin of `STATS_BIN_NS` (api-independent constant of the query): powers of two from 1 us. */
  readonly histogram: readonly number[];
}

export interface ReasonStats {
  readonly reason: string;
  readonly count: number;
  readonly blockedNs: Ns;
  readonly runnableNs: Ns;
}

export interface ThreadStats {
  readonly thread: ThreadRef;
  readonly isTarget: boolean;
  readonly cudaCalls: number;
  readonly onCpuNs: Ns;
  readonly offCpu: readonly ReasonStats[];
}

/** The longest stretches in which no thread of a process had a launch under way: the host's nearest view of GPU idle time. */
export interface LaunchGaps {
  readonly processId: number;
  readonly process: string;
  readonly longest: readonly Span[];
  /** Share of the capture, 0 to 1. */
  readonly share: number;
}

export interface TraceStats {
  readonly window: Span;
  readonly functions: readonly FunctionStats[];
  readonly threads: readonly ThreadStats[];
  readonly gaps: readonly LaunchGaps[];
  readonly belief: Belief;
}

// causes (causes.md) ------------------------------------------------------------------------------------------------

export type CauseKind = 'cause' | 'lead' | 'work' | 'innocent';
export type Severity = 'critical' | 'high' | 'medium' | 'low';

/** How a node follows from its parent. */
export type Edge =
  | 'slow_call'
  | 'slow_gap'
  | 'sum'
  | 'window'
  | 'nested_call'
  | 'on_cpu'
  | 'first_use' // setting up: the first call of its kind in the process, or one that loads a module
  | 'runnable'
  | 'behind' // a competitor that had the CPU
  | 'throttled'
  | 'lock'
  | 'held_by' // a holder, for its segment
  | 'hand_off'
  | 'waited_for' // a waker that is not a holder
  | 'disk'
  | 'network'
  | 'page_fault'
  | 'gpu'
  | 'asked_to_sleep'
  | 'child'
  | 'kernel_lock'
  | 'interrupt'
  | 'limit'
  | 'unexplained';

/** What a piece of time is called and coloured by; one meaning everywhere. */
export type State =
  | 'running'
  | 'runnable'
  | 'lock'
  | 'disk'
  | 'network'
  | 'gpu'
  | 'sleep'
  | 'page_fault'
  | 'throttled'
  | 'other'
  | 'unexplained';

/** Why a link is less sure than one that was seen at both ends (causes.md, "Folding and ranking"). */
export type Doubt =
  | 'holder' // inferred from an unlock: it was not seen to take the lock
  | 'waker' // known as the one that ended a wait, or ran, no more
  | 'pattern' // read from a stack or a likeness alone
  | 'inferred' // an end that no probe saw
  | 'loss'; // events of its class were lost or thinned meanwhile

/** One piece of an explanation. Children lie inside it; leaves add up to the root, to the nanosecond. */
export interface CauseNode {
  readonly edge: Edge;
  readonly state: State;
  readonly thread: ThreadRef | undefined;
  readonly startNs: Ns;
  readonly durationNs: Ns;
  readonly label: string;
  readonly confidence: number;
  readonly rows: readonly RowRef[];
  readonly children: readonly CauseNode[];
  /** The futex, file or socket, where there is one. */
  readonly object?: {
    readonly id: number;
    readonly kind: string;
    readonly address?: number;
    readonly name?: string;
  };
  readonly cpu?: number;
  /** What lowered `confidence`; left out where nothing did. */
  readonly doubts?: readonly Doubt[];
  /** Where it was while it ran, by CPU samples: most first; what is not among the first three is 'elsewhere'. */
  readonly sampled?: readonly { readonly function: string; readonly samples: number }[];
}

export interface Cause {
  readonly id: string;
  readonly kind: CauseKind;
  readonly sentence: string;
  readonly severity: Severity | undefined;
  readonly confidence: { readonly value: number; readonly loweredBy: readonly string[] };
  /** Share of the critical thread's wall time in the window, 0 to 1. */
  readonly share: number;
  readonly timeNs: Ns;
  readonly count: number;
  /** Share of the time given to a leaf other than `unexplained`, 0 to 1. */
  readonly explained: number;
  readonly remedy?: string;
  /** What its time was, for the thread that was late; undefined where it is no single state. */
  readonly state: State | undefined;
  /** The three worst, whole. */
  readonly examples: readonly CauseNode[];
}

export interface CausesQuery extends Scope {
  /** Default 1000. */
  readonly floorUs?: number;
  readonly limit?: number;
}

export interface CausesResult {
  readonly window: Span;
  readonly causes: readonly Cause[];
  /** Causes found, before `limit` cut the list. */
  readonly total: number;
  readonly delays: {
    readonly slowCalls: number;
    readonly slowGaps: number;
    readonly sums: number;
    readonly totalNs: Ns;
  };
  /** Where the slow time went, by state; adds up to delays.totalNs. */
  readonly byState: readonly { readonly state: State; readonly timeNs: Ns }[];
  /** One sentence that answers first. */
  readonly headline: string;
  readonly belief: Belief;
}

/** One delay to explain: a call, the worst call of a process, or a window of a thread. */
export type ExplainQuery =
  | { readonly call: number }
  | { readonly worst: { readonly pid?: number; readonly window?: Span } }
  | { readonly thread: number; readonly window: Span };

// claims of other tools ---------------------------------------------------------------------------------------------

/** What the rows of the trace say about a claim. Times in nanoseconds; rows are evidence, at most 20 of each. */
export type ClaimReading =
  | {
      readonly verdict: 'read';
      /** Calls of the operation in the 10 s before the claim, and their median. */
      readonly calls: number;
      readonly medianNs: Ns;
      /** Those of more than 3 x the median: the calls that it blames. */
      readonly blamed: number;
      readonly blamedNs: Ns;
      /** How much of that the same thread was off the CPU. */
      readonly offCpuNs: Ns;
      /** offCpuNs / blamedNs, 0 to 1. */
      readonly share: number;
      /** How much of blamedNs lies before the first or after the last recorded switch of its thread. */
      readonly unwatchedNs: Ns;
      readonly rows: readonly RowRef[];
    }
  | { readonly verdict: 'cannot_check'; readonly why: string };

/** What another tool said of its trace; those that say the same of the same calls are one. */
export interface Claim {
  readonly kind: 'cpu_contention' | 'other';
  readonly severity: string;
  readonly summary: string;
  readonly operation: string | undefined;
  /** The host it is about, in a file of several. */
  readonly node: string | undefined;
  readonly count: number;
  readonly firstNs: Ns;
  readonly lastNs: Ns;
  readonly reading: ClaimReading;
  /** The reading in words. */
  readonly sentence: string;
}

export interface ClaimsResult {
  /** Whose claims they are; undefined for a trace that was not imported. */
  readonly tool: string | undefined;
  /** Claims in the file; `claims` holds the first 200 of what is left when the same were folded. */
  readonly total: number;
  readonly folded: number;
  readonly claims: readonly Claim[];
  /** One sentence over all of them; undefined where there is none. */
  readonly headline: string | undefined;
}

// off-CPU -----------------------------------------------------------------------------------------------------------

export interface OffCpuQuery extends Scope {
  readonly minDurationNs?: Ns;
  readonly reason?: string;
  readonly limit?: number;
}

export interface OffCpuEvent {
  readonly id: number;
  readonly thread: ThreadRef;
  readonly startNs: Ns;
  readonly durationNs: Ns | undefined;
  readonly beganBefore: boolean;
  readonly runnableNs: Ns | undefined;
  readonly reason: string;
  readonly syscall: string | undefined;
  readonly object: string | undefined;
  readonly waker: ThreadRef | undefined;
  readonly wakerContext: string | undefined;
  readonly next: ThreadRef | undefined;
}

export interface OffCpuResult {
  readonly events: readonly OffCpuEvent[];
  readonly total: number;
  readonly totalNs: Ns;
  readonly byReason: readonly ReasonStats[];
  /** Who had the CPU while these threads were runnable, longest first. */
  readonly contenders: readonly { readonly thread: ThreadRef; readonly timeNs: Ns }[];
}

// SQL ---------------------------------------------------------------------------------------------------------------

export interface SqlResult {
  readonly columns: readonly string[];
  /** Integers beyond 2^53 as decimal strings, blobs as 'x..' hex. */
  readonly rows: readonly (readonly (string | number | null)[])[];
  /** True when the row or byte cap cut the answer. */
  readonly truncated: boolean;
}

// pictures ----------------------------------------------------------------------------------------------------------

export type TrackId = `cuda:${number}` | `off_cpu:${number}` | `cpu:${number}`;

export interface Track {
  readonly id: TrackId;
  readonly kind: 'cuda' | 'off_cpu' | 'cpu';
  readonly thread: ThreadRef | undefined;
  readonly cpu: number | undefined;
  readonly events: number;
  /** Nesting levels: > 1 for CUDA calls inside calls. */
  readonly depth: number;
  /**
   * From its first event to the end of its last. Between two off-CPU intervals inside it the thread ran; of no length
   * where the file does not hold every switch.
   */
  readonly observed: Span;
}

export interface SlicesQuery {
  readonly tracks: readonly TrackId[];
  readonly window: Span;
  /** Nanoseconds a pixel; the answer has at most two rectangles for each of these and each level. */
  readonly resolutionNs: number;
}

/** Rectangles of one track, sorted by start. Columns of one length; times are since the capture began. */
export interface SliceColumns {
  readonly track: TrackId;
  readonly startNs: Float64Array;
  /** An event still open at the end reaches to the end of the capture. */
  readonly endNs: Float64Array;
  readonly depth: Uint8Array;
  /** Index into `palette`: category (cuda), reason (off_cpu) or 'thread' (cpu). */
  readonly colour: Uint16Array;
  /** Index into `labels`. */
  readonly label: Uint32Array;
  /** Off-CPU: nanoseconds at the end of the rectangle in which the thread was runnable; else 0. */
  readonly runnableNs: Float64Array;
  /** Row id of the event drawn (cuda_call.id, off_cpu.id); cpu: thread.id. */
  readonly id: Float64Array;
  /** Events this rectangle stands for. > 1: too small to draw one by one; the longest is drawn. */
  readonly count: Uint32Array;
  /** Off-CPU: the time of all that is too short to draw; undefined when every event is a rectangle of its own. */
  readonly short: ShortTimes | undefined;
}

/**
 * What events shorter than a bucket took, bucket by bucket, split exactly at the buckets' edges: a picture of them
 * keeps the shares that the file has. Sparse, sorted by `startNs`, one entry for each bucket and colour. Every event
 * of at least `bucketNs` is among the rectangles, and not in here.
 */
export interface ShortTimes {
  readonly bucketNs: number;
  readonly startNs: Float64Array;
  /** Index into `palette`: the reason. */
  readonly colour: Uint16Array;
  readonly blockedNs: Float64Array;
  readonly runnableNs: Float64Array;
}

export interface SlicesResult {
  readonly tracks: readonly SliceColumns[];
  readonly palette: readonly string[];
  readonly labels: readonly string[];
}

export type FlameKind = 'cuda' | 'off_cpu';
export interface FlameQuery extends Scope {
  readonly kind: FlameKind;
  readonly thread?: number;
  readonly function?: string;
  readonly reason?: string;
}

/** A call tree with sums, parents before children. Node 0 is the root ("all"). */
export interface FlameTree {
  readonly name: readonly string[];
  readonly frameKind: readonly string[];
  readonly parent: Int32Array;
  /** Including children. */
  readonly timeNs: Float64Array;
  readonly count: Float64Array;
  /** Share of the events that carried a stack, 0 to 1: the rest hangs below their function's or reason's box alone. */
  readonly withStack: number;
}

export interface StackFrame {
  readonly kind: string;
  readonly function: string;
  readonly module: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;
}

export interface RowDetails {
  readonly ref: RowRef;
  /** Columns as the plural view names them, in its order. */
  readonly columns: readonly { readonly name: string; readonly value: string | number | undefined }[];
  readonly stacks: readonly { readonly name: string; readonly frames: readonly StackFrame[] }[];
  readonly thread: ThreadRef | undefined;
  readonly span: Span;
}

/**
 * Everything one may ask of an open trace. Answers come from a child process (trace/query/): a call rejects with a
 * `TraceError`, never hangs beyond its deadline, and never takes the caller down with it.
 */
export interface TraceApi {
  summary(): TraceSummary;
  check(): HostCheck;
  stats(query: Scope): TraceStats;
  causes(query: CausesQuery): CausesResult;
  explain(query: ExplainQuery): Cause;
  claims(): ClaimsResult;
  offCpu(query: OffCpuQuery): OffCpuResult;
  /** One SELECT over the tables and views of schema.sql; capped and killed as mcp.md says. */
  sql(query: { readonly query: string; readonly limit?: number }): SqlResult;
  schema(): string;
  tracks(): readonly Track[];
  slices(query: SlicesQuery): SlicesResult;
  flame(query: FlameQuery): FlameTree;
  row(ref: RowRef): RowDetails;
}

export type Method = keyof TraceApi;
export type Argument<M extends Method> = Parameters<TraceApi[M]>[0];
export type Answer<M extends Method> = ReturnType<TraceApi[M]>;

/** The way in for everyone outside the query process. */
export interface Trace {
  readonly path: string;
  call<M extends Method>(method: M, argument: Argument<M>, signal?: AbortSignal): Promise<Answer<M>>;
  close(): Promise<void>;
}

// errors ------------------------------------------------------------------------------------------------------------

export type TraceErrorReason =
  | 'not_found'
  | 'unreadable'
  | 'empty'
  | 'not_a_database'
  | 'truncated'
  | 'foreign'
  /** Another tool's trace, which can be imported. */
  | 'importable'
  | 'newer'
  | 'wal'
  | 'damaged'
  | 'deadline'
  | 'memory'
  | 'cancelled'
  | 'bad_query'
  | 'refused'
  | 'not_in_trace'
  | 'internal';

/** What went wrong with a trace, as a value: `message` is the sentence a person gets, `hint` what to do. */
export interface TraceErrorShape {
  readonly reason: TraceErrorReason;
  readonly message: string;
  readonly hint?: string;
}
