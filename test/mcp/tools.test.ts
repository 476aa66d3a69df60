// What agents get, through the official client: every tool, its numbers against SQL on the same file.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type {
  Cause,
  CausesResult,
  ClaimsResult,
  HostCheck,
  OffCpuResult,
  ThreadRef,
  TraceStats,
} from '../../extension/trace/api.ts';
import { importTrace } from '../../extension/trace/import/client.ts';
import { writeIngero } from '../fixtures/ingero.ts';
import { number } from '../fixtures/oracle.ts';
import { temporaryFolder, temporaryTrace } from '../fixtures/temporary.ts';
import { connect, program, textOf } from './server.ts';

interface Listed {
  readonly traces: readonly {
    readonly id: string;
    readonly host: string;
    readonly durationNs: number;
    readonly cudaCalls: number;
    readonly events: number;
    readonly startUtc: string;
    readonly provenance: { readonly state: string };
  }[];
}

type Check = Pick<HostCheck, 'items' | 'probes'> & {
  readonly trace: string;
  readonly host: Readonly<Record<string, unknown>>;
  readonly probesAsked: number;
  readonly probesAttached: number;
};

const queryProgram = join(dirname(program), 'query.js');

const names = [
  'get_causal_chains',
  'get_check',
  'get_trace_stats',
  'list_traces',
  'query_off_cpu_events',
  'resolve_causal_chain',
  'run_sql',
];

test('the tools: read-only, with schemas on both sides', async t => {
  const { file } = temporaryTrace(t, { events: 500 });
  const { client } = await connect(t, ['--traces', dirname(file)]);
  assert.equal(client.getServerVersion()?.name, 'wakechain');
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  assert.equal(client.getServerVersion()?.version, version);
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map(tool => tool.name).sort(), names);
  for (const tool of tools) {
    assert.deepEqual(tool.annotations, {
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    });
    assert.equal(tool.inputSchema.type, 'object');
    assert.equal(tool.outputSchema?.['type'], 'object');
    assert.ok((tool.description ?? '').length > 80);
  }
});

test('default answers stay under 4000 tokens, and stand alone as text', async t => {
  const { file } = temporaryTrace(t, { events: 60_000, loss: true });
  const { call } = await connect(t, ['--traces', dirname(file)]);
  for (const name of names) {
    const result = await call(name, name === 'run_sql' ? { query: 'SELECT * FROM off_cpu_events' } : {});
    assert.notEqual(result.isError, true, textOf(result));
    // Three characters of JSON a token is on the safe side of what tokenizers make of it.
    const tokens = JSON.stringify(result).length / 3;
    assert.ok(tokens < 4_000, `${name}: ${tokens.toFixed(0)} tokens`);
    assert.ok(textOf(result).length > 20, name);
  }
});

test('list_traces: what is there, newest first, without a restart', async t => {
  const { file, rows, durationNs } = temporaryTrace(t, { sha256: true });
  const { ask, client } = await connect(t, ['--traces', dirname(file)]);
  const [one] = (await ask<Listed>('list_traces')).traces;
  assert.ok(one !== undefined);
  assert.deepEqual(
    [one.id, one.host, one.durationNs, one.cudaCalls, one.provenance.state],
    ['one', 'fixture-host', durationNs, rows.cuda_call, 'verified'],
  );
  const tables = [
    'cuda_call',
    'off_cpu',
    'cpu_slice',
    'cpu_sample',
    'syscall',
    'block_io',
    'memory_stall',
    'instant',
  ];
  const events = [...tables, 'tcp_retransmit'].map(table => number(file, `SELECT count(*) FROM ${table}`));
  assert.equal(
    one.events,
    events.reduce((sum, rows) => sum + rows, 0),
  );
  assert.equal(one.startUtc, '2026-11-21T09:11:02.123Z');
  const second = join(dirname(file), 'two.wakechain.db');
  copyFileSync(file, second);
  utimesSync(second, Date.now() / 1000 + 60, Date.now() / 1000 + 60);
  assert.deepEqual(
    (await ask<Listed>('list_traces')).traces.map(trace => trace.id),
    ['two', 'one'],
  );
  assert.equal((await ask<Check>('get_check')).trace, 'two', 'the newest is the default');
  assert.ok(client.getServerVersion());
});

test('resources: the schema, a page about each trace, and word of a new one', async t => {
  const { file, rows } = temporaryTrace(t, { events: 500 });
  const { client } = await connect(t, ['--traces', dirname(file)]);
  const told = new Promise<void>(resolve =>
    client.setNotificationHandler('notifications/resources/list_changed', () => resolve()),
  );
  const text = async (uri: string) => {
    const [content] = (await client.readResource({ uri })).contents;
    return content !== undefined && 'text' in content ? content.text : '';
  };
  const listed = async () => (await client.listResources()).resources.map(resource => resource.uri).sort();
  assert.deepEqual(await listed(), ['wakechain://one/summary', 'wakechain://schema']);
  assert.equal(
    await text('wakechain://schema'),
    readFileSync(new URL('../../collector/schema.sql', import.meta.url), 'utf8'),
  );
  assert.match(await text('wakechain://one/summary'), new RegExp(`cuda_call ${rows.cuda_call}`));
  copyFileSync(file, join(dirname(file), 'two.wakechain.db'));
  await told;
  assert.deepEqual(await listed(), [
    'wakechain://one/summary',
    'wakechain://schema',
    'wakechain://two/summary',
  ]);
});

test('get_check: what the host could do, and which probes were refused', async t => {
  const { file } = temporaryTrace(t, { loss: true });
  const { ask } = await connect(t, ['--traces', dirname(file)]);
  const made = await ask<Check>('get_check');
  assert.equal(made.host['host'], 'fixture-host');
  assert.equal(made.items.length, 3);
  assert.equal(made.probesAsked, number(file, 'SELECT count(*) FROM probe'));
  assert.equal(made.probesAttached, number(file, 'SELECT count(*) FROM probe WHERE attached'));
  assert.equal(made.probes.length, number(file, 'SELECT count(*) FROM probe WHERE NOT attached OR lost > 0'));
  assert.equal((await ask<Check>('get_check', { all_probes: true })).probes.length, made.probesAsked);
});

test('get_trace_stats: exact, in a window given in seconds or as ISO time', async t => {
  const { file, durationNs } = temporaryTrace(t);
  const { ask } = await connect(t, ['--traces', dirname(file)]);
  const launch = (made: TraceStats) => made.functions.find(fn => fn.function === 'cudaLaunchKernel');
  const select = (what: string, where: string) =>
    number(
      file,
      `SELECT ${what} FROM cuda_call c JOIN cuda_function f ON f.id = c.function_id
       WHERE f.name = 'cudaLaunchKernel' AND duration_ns IS NOT NULL AND ${where}`,
    );
  const whole = launch(await ask<TraceStats>('get_trace_stats', { limit: 50 }));
  assert.deepEqual(
    [whole?.count, whole?.totalNs],
    [select('count(*)', '1'), select('sum(duration_ns)', '1')],
  );
  // The capture began at 09:11:02.123456789 (meta.start_unix_ns).
  const byIso = await ask<TraceStats>('get_trace_stats', {
    limit: 50,
    start: '2026-11-21T09:11:02.133456789Z',
    end: '0.02',
  });
  assert.deepEqual(byIso.window, { startNs: 10_000_000, endNs: 20_000_000 });
  assert.equal(launch(byIso)?.count, select('count(*)', 'start_ns >= 10000000 AND start_ns < 20000000'));
  assert.deepEqual(byIso, await ask<TraceStats>('get_trace_stats', { limit: 50, start: 0.01, end: 0.02 }));
  assert.ok(durationNs > 20_000_000);
});

test('query_off_cpu_events: the longest, the sum, the contender', async t => {
  const { file, durationNs } = temporaryTrace(t);
  const { ask, fail } = await connect(t, ['--traces', dirname(file)]);
  const made = await ask<OffCpuResult & { cuts: string[] }>('query_off_cpu_events', {
    pid: 17,
    min_duration_ms: 1,
    limit: 2000,
  });
  const truth = `FROM off_cpu o JOIN thread t ON t.id = o.thread_id
    WHERE t.process_id = 1 AND ifnull(o.duration_ns, ${durationNs} - o.start_ns) >= 1000000`;
  assert.equal(made.total, number(file, `SELECT count(*) ${truth}`));
  assert.equal(made.events.length, made.total);
  assert.equal(
    made.totalNs,
    number(file, `SELECT sum(ifnull(o.duration_ns, ${durationNs} - o.start_ns)) ${truth}`),
  );
  assert.equal(made.contenders[0]?.thread.process, 'spinner');
  const cut = await ask<OffCpuResult & { cuts: string[] }>('query_off_cpu_events', {});
  assert.match(cut.cuts[0] ?? '', /^12 of \d+ intervals, the longest/);
  assert.match(await fail('query_off_cpu_events', { reason: 'futx' }), /did you mean "futex"/);
  assert.match(
    await fail('query_off_cpu_events', { pid: 4 }),
    /No process 4 is in this trace.*84201 \(python3\)/,
  );
});

test('get_causal_chains and resolve_causal_chain: trees that add up, with evidence that exists', async t => {
  const { file } = temporaryTrace(t, { events: 40_000 });
  const { ask } = await connect(t, ['--traces', dirname(file)]);
  const made = await ask<SentCauses>('get_causal_chains', { limit: 50 });
  assert.ok(made.causes.length > 0 && made.headline.length > 0);
  assert.equal(
    made.byState.reduce((sum, state) => sum + state.timeNs, 0),
    made.delays.totalNs,
  );
  const db = new DatabaseSync(file, { readOnly: true });
  t.after(() => db.close());
  for (const cause of made.causes) {
    assert.match(cause.link, /^vscode:\/\/wakechain\.wakechain\/open\?trace=/);
    for (const example of cause.examples) checkNode(example, db);
  }
  const worst = await ask<Resolved>('resolve_causal_chain', { pid: 84201, include_stacks: true });
  const [example] = worst.cause.examples;
  assert.ok(example !== undefined);
  checkNode(example, db);
  assert.equal(worst.main_path[0]?.label, example.label);
  assert.ok(worst.blocking_mechanism.length > 0);
  const call = number(
    file,
    'SELECT id FROM cuda_call WHERE parent_id IS NULL ORDER BY duration_ns DESC LIMIT 1',
  );
  const one = await ask<Resolved>('resolve_causal_chain', { call });
  assert.equal(one.cause.examples[0]?.durationNs, number(file, 'SELECT max(duration_ns) FROM cuda_call'));
});

test('the demo, as it was really captured: the mechanism is the lock, its holder the contention', async t => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'demo.wakechain.db');
  copyFileSync(new URL('../../media/sample.wakechain.db', import.meta.url), file);
  const { ask } = await connect(t, ['--traces', folder]);
  const { causes } = await ask<SentCauses>('get_causal_chains');
  const call = causes[0]?.examples[0]?.rows.find(({ table }) => table === 'cuda_call')?.id;
  // The same call by SQL: a launch of engine, in which it slept in futex until tokenizer woke it.
  const woken = `FROM cuda_calls c JOIN off_cpu_events o ON o.thread_id = c.thread_id
      AND o.start_ns >= c.start_ns AND o.start_ns < c.start_ns + c.duration_ns
    WHERE c.id = ${call} AND c.thread = 'engine' AND o.reason = 'futex' AND o.waker_thread = 'tokenizer'`;
  assert.ok(number(file, `SELECT count(*) ${woken}`) > 0, String(call));
  assert.ok(
    2 * number(file, `SELECT sum(o.duration_ns) ${woken}`) >
      number(file, `SELECT duration_ns FROM cuda_calls WHERE id = ${call}`),
  );
  const resolved = await ask<Resolved>('resolve_causal_chain', { call });
  assert.match(resolved.blocking_mechanism, /^lock \(lock\): waiting for lock 0x/);
  const roles = resolved.main_path.map(({ edge, thread }) => `${edge} ${thread}`);
  assert.ok(roles.includes('held_by tokenizer'), roles.join(', '));
});

type SentCause = Omit<Cause, 'examples'> & { readonly link: string; readonly examples: readonly SentNode[] };
type SentCauses = Omit<CausesResult, 'causes'> & { readonly causes: readonly SentCause[] };

interface Resolved {
  readonly cause: SentCause;
  readonly blocking_mechanism: string;
  readonly contention_source?: { readonly thread?: ThreadRef };
  readonly main_path: readonly { readonly label: string; readonly edge: string; readonly thread?: string }[];
}

interface SentNode {
  readonly label: string;
  readonly durationNs: number;
  readonly rows: readonly { table: string; id?: number; cpu?: number; startNs?: number }[];
  readonly children: readonly SentNode[];
  readonly leftOut?: { readonly timeNs: number };
}

function checkNode(node: SentNode, db: DatabaseSync): void {
  for (const row of node.rows) {
    const found =
      row.table === 'cpu_slice'
        ? db
            .prepare('SELECT 1 FROM cpu_slice WHERE cpu = ? AND start_ns = ?')
            .get(row.cpu ?? -1, row.startNs ?? -1)
        : db.prepare(`SELECT 1 FROM ${row.table} WHERE id = ?`).get(row.id ?? -1);
    assert.ok(found !== undefined, JSON.stringify(row));
  }
  if (node.children.length === 0 && node.leftOut === undefined) return;
  const below = node.children.reduce((sum, child) => sum + child.durationNs, node.leftOut?.timeNs ?? 0);
  assert.equal(below, node.durationNs, 'children and what was left out are the node');
  for (const child of node.children) checkNode(child, db);
}

test('a trace of another tool in the folder is said to be importable; imported, its claims are read again', async t => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'run.db');
  writeIngero(source, { version: '0.9' });
  const stranger = new DatabaseSync(join(folder, 'cookies.db'));
  stranger.exec('CREATE TABLE cookies (name)');
  stranger.close();
  const { ask, call } = await connect(t, ['--traces', folder]);
  const { n } =
    new DatabaseSync(source, { readOnly: true }).prepare('SELECT count(*) AS n FROM events').get() ?? {};
  const before = await ask<Listed & { readonly importable: readonly unknown[] }>('list_traces');
  assert.equal(before.traces.length, 0);
  assert.deepEqual(before.importable, [
    { path: source, tool: 'Ingero', version: '0.9', bytes: statSync(source).size, events: n, claims: 6 },
  ]);
  assert.match(
    textOf(await call('list_traces')),
    /run\.db: a trace of Ingero 0\.9, not imported: .*Import it in the editor/,
  );

  await importTrace(source, join(folder, 'run.wakechain.db'), { queryProgram });
  const chains = await ask<{ readonly claims: ClaimsResult }>('get_causal_chains');
  assert.equal(chains.claims.total, 6);
  assert.ok(chains.claims.claims.some(({ reading }) => reading.verdict === 'read'));
  const text = textOf(await call('get_causal_chains'));
  assert.match(text, /Ingero gives 6 causes, 4 of them CPU contention/);
  assert.match(text, /stores a choice of the calls/);
  assert.ok(JSON.stringify(await call('get_causal_chains')).length / 3 < 4_000);
  assert.match(textOf(await call('list_traces')), /imported from run\.db of Ingero/);
});
