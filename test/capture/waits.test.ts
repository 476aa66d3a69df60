// Every way to wait, done on purpose by a workload that knows what it waits on: each has its reason, its object, its
// time-out and whoever ended it on file, and lasted as long as the workload's own clock says.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startCapture } from '../lib/capture.ts';
import { buildWorkloads, makeFolder, Program, startWorkload } from '../lib/programs.ts';
import { type Row, TraceFile } from '../lib/trace-file.ts';
import { type LogLine, parseLog, traceClock } from '../lib/truth.ts';

interface Case {
  readonly name: string;
  readonly tid: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly helper: number;
  readonly line: LogLine;
}

/** What a wait must say besides what its own log line says. */
interface Expected {
  readonly reason: string;
  readonly syscall: string | null;
  readonly kind: string | null;
  readonly futexOp?: number;
  readonly futexValue?: number;
  /** `helper`: a task, the one that the log names; `kernel`: its own threads; the others are raised by that. */
  readonly by: 'helper' | 'kernel' | 'timer' | 'block' | 'any';
}

const FUTEX_WAIT = 0;
const FUTEX_LOCK_PI = 6;
const FUTEX_WAIT_BITSET = 9;
const FUTEX_LOCK_PI2 = 13;

const expected: Readonly<Record<string, Expected>> = {
  sleep: { reason: 'sleep', syscall: 'clock_nanosleep', kind: null, by: 'timer' },
  sleep_until: { reason: 'sleep', syscall: 'clock_nanosleep', kind: null, by: 'timer' },
  poll_timeout: { reason: 'poll', syscall: 'poll', kind: null, by: 'timer' },
  select_timeout: { reason: 'poll', syscall: 'pselect6', kind: null, by: 'timer' },
  timerfd: { reason: 'sleep', syscall: 'read', kind: 'other', by: 'timer' },
  pipe: { reason: 'pipe', syscall: 'read', kind: 'pipe', by: 'helper' },
  poll_pipe: { reason: 'poll', syscall: 'poll', kind: 'pipe', by: 'helper' },
  eventfd: { reason: 'other', syscall: 'read', kind: 'eventfd', by: 'helper' },
  epoll: { reason: 'poll', syscall: 'epoll_wait', kind: 'epoll', by: 'helper' },
  unix: { reason: 'socket', syscall: 'read', kind: 'socket', by: 'helper' },
  tcp: { reason: 'socket', syscall: 'read', kind: 'socket', by: 'helper' },
  udp: { reason: 'socket', syscall: 'read', kind: 'socket', by: 'helper' },
  mutex: {
    reason: 'futex',
    syscall: 'futex',
    kind: 'futex',
    futexOp: FUTEX_WAIT,
    futexValue: 2,
    by: 'helper',
  },
  pi_mutex: { reason: 'futex', syscall: 'futex', kind: 'futex', futexOp: FUTEX_LOCK_PI, by: 'helper' },
  rwlock: {
    reason: 'futex',
    syscall: 'futex',
    kind: 'futex',
    futexOp: FUTEX_WAIT_BITSET,
    futexValue: 2,
    by: 'helper',
  },
  condition: {
    reason: 'futex',
    syscall: 'futex',
    kind: 'futex',
    futexOp: FUTEX_WAIT_BITSET,
    futexValue: 0,
    by: 'helper',
  },
  semaphore: {
    reason: 'futex',
    syscall: 'futex',
    kind: 'futex',
    futexOp: FUTEX_WAIT_BITSET,
    futexValue: 0,
    by: 'helper',
  },
  join: { reason: 'futex', syscall: 'futex', kind: 'futex', futexOp: FUTEX_WAIT_BITSET, by: 'helper' },
  futex_waitv: {
    reason: 'futex',
    syscall: 'futex_waitv',
    kind: 'futex',
    futexOp: FUTEX_WAIT_BITSET,
    futexValue: 0,
    by: 'helper',
  },
  child: { reason: 'child', syscall: 'wait4', kind: 'process', by: 'any' },
  stopped: { reason: 'stopped', syscall: null, kind: null, by: 'any' },
  page_fault: { reason: 'page_fault', syscall: null, kind: null, by: 'helper' },
  disk: { reason: 'disk', syscall: 'pread64', kind: 'file', by: 'block' },
  kernel_lock: { reason: 'kernel_lock', syscall: null, kind: 'kernel_lock', by: 'helper' },
  slept_before: { reason: 'pipe', syscall: 'read', kind: 'pipe', by: 'helper' },
  vfork: { reason: 'child', syscall: 'vfork', kind: null, by: 'any' },
  signal: { reason: 'other', syscall: 'rt_sigtimedwait', kind: null, by: 'helper' },
  uninterruptible: { reason: 'uninterruptible', syscall: 'membarrier', kind: null, by: 'any' },
  sync: { reason: 'disk', syscall: 'fsync', kind: 'file', by: 'any' },
  preempted: { reason: 'preempted', syscall: null, kind: null, by: 'any' },
  throttled: { reason: 'throttled', syscall: null, kind: null, by: 'any' },
  yield: { reason: 'yielded', syscall: 'sched_yield', kind: null, by: 'any' },
};

/** The kernel and this machine may lack these: then they are not in the log. */
const optional = new Set(['futex_waitv', 'page_fault', 'disk', 'uninterruptible', 'throttled']);

/** These last as long as they last, or began before the capture. */
const shorter = new Set([
  'disk',
  'kernel_lock',
  'preempted',
  'slept_before',
  'sync',
  'throttled',
  'uninterruptible',
  'yield',
]);

/** Between our clock readings and the workload's lie both programs' code, and what interrupts them here. */
const SLACK_NS = 500_000;

const folder = makeFolder();
const log = join(folder, 'waits.log');
const trace = join(folder, 'waits.wakechain.db');
let file: TraceFile;
let pid = 0;
let cases: readonly Case[] = [];

/** Of a control group that may use 20 ms of every 50: what it was made of, where this machine lets us make one. */
interface CpuGroup {
  readonly folder: string;
  /** Times that it was held back, and for how long in all, by the kernel's own count. */
  readonly count: () => { readonly times: number; readonly heldNs: number };
}

function makeCpuGroup(): CpuGroup | undefined {
  const [first, second] = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup'];
  const isFirst = existsSync(join(first, 'cpu.cfs_quota_us'));
  const folder = join(isFirst ? first : second, `wakechain-test-${process.pid}`);
  try {
    mkdirSync(folder);
    if (isFirst) writeFileSync(join(folder, 'cpu.cfs_period_us'), '50000');
    if (isFirst) writeFileSync(join(folder, 'cpu.cfs_quota_us'), '20000');
    else writeFileSync(join(folder, 'cpu.max'), '20000 50000');
  } catch {
    if (existsSync(folder)) rmdirSync(folder);
    return undefined; // no such controller here, or not ours
  }
  const read = () => {
    const text = readFileSync(join(folder, 'cpu.stat'), 'utf8');
    const number = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return {
      times: number('nr_throttled'),
      heldNs: number('throttled_time') + number('throttled_usec') * 1000,
    };
  };
  return { folder, count: read };
}

/** Where files are written and read: a disk, which /tmp need not be. */
const onDisk = mkdtempSync('/var/tmp/wakechain-test-');

const group = makeCpuGroup();
let held: ReturnType<CpuGroup['count']> | undefined;
/** Asleep all the time that is captured, and longer. */
let sleeper: Program;

before(async () => {
  buildWorkloads();
  const more = group ? ['--cpu-group', group.folder] : [];
  const waits = await startWorkload('waits', ['--folder', onDisk, '--log', log, ...more]);
  sleeper = new Program('sleep', ['1000']);
  pid = waits.pid;
  try {
    const capture = await startCapture([
      '--output',
      trace,
      '--pid',
      String(pid),
      '--pid',
      String(sleeper.child.pid),
      '--duration',
      '60',
      '--control-stdin',
    ]);
    waits.say('go');
    assert.equal(await waits.ended, 0, waits.words);
    capture.program.say('stop');
    await capture.finished;
    held = group?.count();
  } finally {
    waits.kill();
    sleeper.kill();
  }
  file = new TraceFile(trace);
  const lines = parseLog(readFileSync(log, 'utf8'));
  const workload = lines.find(line => line.type === 'workload');
  assert.ok(workload);
  const at = traceClock(workload, file.startUnixNs);
  cases = lines
    .filter(line => line.type === 'case')
    .map(line => ({
      name: String(line['case']),
      tid: Number(line['tid']),
      startNs: at(Number(line['start_ns'])),
      endNs: at(Number(line['end_ns'])),
      helper: Number(line['helper']),
      line,
    }));
});

after(() => {
  file?.close();
  if (group) rmdirSync(group.folder);
  for (const made of [folder, onDisk]) rmSync(made, { recursive: true, force: true });
});

/** The longest interval of the waiting thread that began inside a case, for that reason. */
function longest(of: Case, reason: string): Row {
  const [row] = file.rows(
    `SELECT * FROM off_cpu_events WHERE tid = ? AND start_ns BETWEEN ? AND ? AND reason = ?
     ORDER BY coalesce(blocked_ns, duration_ns) DESC LIMIT 1`,
    of.tid,
    of.startNs - SLACK_NS,
    of.endNs,
    reason,
  );
  const all = file.rows(
    'SELECT start_ns, duration_ns, reason, syscall, object_kind, object FROM off_cpu_events WHERE tid = ? AND start_ns BETWEEN ? AND ?',
    of.tid,
    of.startNs - SLACK_NS,
    of.endNs,
  );
  assert.ok(row, `${of.name}: no row says "${reason}": ${JSON.stringify(all)}`);
  return row;
}

function assertObject(of: Case, row: Row): void {
  const { object, name, variable, within } = of.line as {
    object?: number;
    name?: string;
    variable?: string;
    within?: [number, number];
  };
  const said = `${of.name}: ${JSON.stringify(row)}`;
  if (object !== undefined) assert.equal(row['object_address'], object, said);
  // A path is the host's: where these tests run in a root of their own, it goes on before what they see.
  if (name?.startsWith('/')) assert.ok(String(row['object']).endsWith(name), said);
  else if (name !== undefined) assert.equal(row['object'], name, said);
  if (variable !== undefined)
    assert.ok([variable, `${variable}+`].includes(String(row['object']).replace(/0x.*/, '')), said);
  if (within !== undefined) {
    const offset = Number(row['object_address']) - within[0];
    assert.ok(offset >= 0 && offset < within[1], `${said}: not inside ${within.join('+')}`);
  }
}

function assertTimeout(of: Case, row: Row): void {
  const asked = of.line['timeout_ns'];
  if (asked === undefined) assert.equal(row['timeout_ns'], null, of.name);
  else {
    const off = Math.abs(Number(row['timeout_ns']) - Number(asked));
    // given as a moment, it was made a little before the thread went to sleep
    assert.ok(
      row['timeout_ns'] !== null && off < SLACK_NS * 4,
      `${of.name}: ${row['timeout_ns']} of ${asked}`,
    );
  }
}

function assertWaker(of: Case, row: Row, by: Expected['by']): void {
  const said = `${of.name}: ${JSON.stringify(row)}`;
  if (by === 'any') return;
  if (by === 'helper') {
    assert.deepEqual([row['waker_context'], row['waker_tid']], ['task', of.helper], said);
    return;
  }
  assert.deepEqual(
    [row['waker_context'], row['interrupt'], row['waker_syscall']],
    ['interrupt', by, null],
    said,
  );
}

test('the workload did them all', () => {
  const done = new Set(cases.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(expected).filter(name => !done.has(name) && !optional.has(name)),
    [],
  );
});

describe('each wait says what it was', () => {
  for (const [name, wanted] of Object.entries(expected))
    test(name, t => {
      const of = cases.find(one => one.name === name);
      if (of === undefined) return t.skip('the kernel or the file system has no such thing');
      const row = longest(of, wanted.reason);
      const said = `${name}: ${JSON.stringify(row)}`;
      if (wanted.syscall !== null) assert.equal(row['syscall'], wanted.syscall, said);
      assert.equal(row['object_kind'], wanted.kind, said);
      if (wanted.futexOp !== undefined) {
        const op = row['futex_op'] === FUTEX_LOCK_PI2 ? FUTEX_LOCK_PI : row['futex_op'];
        assert.equal(op, wanted.futexOp, said);
      }
      if (wanted.futexValue !== undefined) assert.equal(row['futex_value'], wanted.futexValue, said);
      assertObject(of, row);
      assertTimeout(of, row);
      assertWaker(of, row, wanted.by);
    });
});

test('those of 5 ms lasted from the question to the answer', () => {
  for (const of of cases) {
    if (shorter.has(of.name)) continue;
    const wanted = expected[of.name];
    assert.ok(wanted, of.name);
    const row = longest(of, wanted.reason);
    const end = Number(row['start_ns']) + Number(row['duration_ns']);
    assert.ok(Number(row['start_ns']) - of.startNs < SLACK_NS + 2_000_000, `${of.name}: began late`);
    assert.ok(
      end - of.startNs >= 4_000_000,
      `${of.name}: ended ${end - of.startNs} ns after it was asked for`,
    );
    assert.ok(end <= of.endNs + SLACK_NS, `${of.name}: went on for ${end - of.endNs} ns too long`);
  }
});

test('a child that is waited for is the object, and whoever wakes a stopped one is its waker', () => {
  const child = cases.find(({ name }) => name === 'child');
  const stopped = cases.find(({ name }) => name === 'stopped');
  assert.ok(child && stopped);
  const row = longest(child, 'child');
  const [object] = file.rows(
    'SELECT p.pid FROM wait_object w JOIN process p ON p.id = w.process_id WHERE w.id = ?',
    Number(row['object_id']),
  );
  assert.equal(object?.['pid'], child.line['child']);
  assert.equal(longest(stopped, 'stopped')['waker_tid'], stopped.line['waker']);
});

test('a thread that slept before the capture began, and one that slept through all of it', () => {
  const of = cases.find(({ name }) => name === 'slept_before');
  assert.ok(of && of.startNs < 0, 'it slept before the capture');
  const [row] = file.rows("SELECT * FROM off_cpu_events WHERE tid = ? AND reason = 'pipe'", of.tid);
  assert.deepEqual([row?.['start_ns'], row?.['began_before']], [0, 1], JSON.stringify(row));
  const end = Number(row?.['duration_ns']);
  assert.ok(Math.abs(end - of.endNs) < 2_000_000, `it went on at ${end}, by its own clock at ${of.endNs}`);
  const all = file.rows('SELECT * FROM off_cpu_events WHERE tid = ?', Number(sleeper.child.pid));
  const said = JSON.stringify(all);
  assert.equal(all.length, 1, said);
  assert.deepEqual(
    [all[0]?.['start_ns'], all[0]?.['began_before'], all[0]?.['duration_ns'], all[0]?.['reason']],
    [0, 1, null, 'sleep'],
    said,
  );
});

test('preempted for as long as it had no CPU by its own clocks, and by whoever spins on the same one', () => {
  const of = cases.find(({ name }) => name === 'preempted');
  assert.ok(of);
  const rows = file.rows(
    `SELECT next_tid, duration_ns, runnable_ns FROM off_cpu_events
     WHERE tid = ? AND reason = 'preempted' AND start_ns BETWEEN ? AND ?`,
    of.tid,
    of.startNs,
    of.endNs,
  );
  assert.ok(rows.every(row => row['runnable_ns'] === row['duration_ns']));
  const lostNs = rows.reduce((sum, row) => sum + Number(row['duration_ns']), 0);
  const withoutCpuNs = of.endNs - of.startNs - Number(of.line['cpu_ns']);
  const said = `${withoutCpuNs} ns without a CPU: ${JSON.stringify(rows)}`;
  assert.ok(Math.abs(lostNs - withoutCpuNs) < withoutCpuNs * 0.02 + SLACK_NS, said);
  assert.ok(
    rows.some(row => row['next_tid'] === of.helper),
    said,
  );
});

test('time that a quota took is that which the control group counted', t => {
  const of = cases.find(({ name }) => name === 'throttled');
  if (!of || !held) return t.skip('no control group for CPU time could be made');
  const rows = file.rows(
    "SELECT duration_ns FROM off_cpu_events WHERE tid = ? AND reason = 'throttled'",
    of.tid,
  );
  const sum = rows.reduce((total, row) => total + Number(row['duration_ns']), 0);
  const said = `${rows.length} rows, ${sum} ns; the kernel counted ${JSON.stringify(held)}`;
  t.diagnostic(said);
  assert.ok(held.times > 0 && Math.abs(rows.length - held.times) <= 1, said);
  // it waits for a CPU after that, and is held back a little after the quota is gone
  assert.ok(sum > held.heldNs * 0.9 && sum < held.heldNs * 1.2 + rows.length * 1_000_000, said);
});

test('a lock with priority inheritance says who owns it', () => {
  const of = cases.find(({ name }) => name === 'pi_mutex');
  assert.ok(of);
  // FUTEX_TID_MASK; the bits above it say that somebody waits
  assert.equal(Number(longest(of, 'futex')['futex_value']) % 2 ** 30, of.helper);
});

test('a task that ended a long wait has the stack of its own code on file', () => {
  for (const name of ['pipe', 'tcp', 'condition']) {
    const of = cases.find(one => one.name === name);
    assert.ok(of);
    const row = longest(of, expected[name]?.reason ?? '');
    const frames = file.rows(
      `WITH RECURSIVE walk AS (SELECT * FROM stack WHERE id = (SELECT waker_stack_id FROM off_cpu WHERE id = ?)
         UNION ALL SELECT s.* FROM walk JOIN stack s ON s.id = walk.parent_id)
       SELECT f.function FROM walk JOIN frame f ON f.id = walk.frame_id`,
      Number(row['id']),
    );
    assert.ok(frames.length > 0, `${name}: ${JSON.stringify(row)}`);
  }
});

test("Python's interpreter lock has its name", async () => {
  const program = [
    'import sys, threading, time',
    'def spin():',
    '    end = time.monotonic() + 0.2',
    '    while time.monotonic() < end: pass',
    'threads = [threading.Thread(target=spin) for _ in range(2)]',
    'print("ready", flush=True); sys.stdin.readline()',
    'for thread in threads: thread.start()',
    'for thread in threads: thread.join()',
  ];
  const python = new Program('python3', ['-c', program.join('\n')]);
  const output = join(folder, 'python.wakechain.db');
  try {
    await python.line(text => (text === 'ready' ? text : undefined), 'line "ready"');
    const of = ['--pid', String(python.child.pid), '--duration', '60', '--control-stdin'];
    const capture = await startCapture(['--output', output, ...of]);
    python.say('go');
    assert.equal(await python.ended, 0, python.words);
    capture.program.say('stop');
    await capture.finished;
  } finally {
    python.kill();
  }
  const trace = new TraceFile(output);
  // Whoever wants the lock asks for it again each 5 ms (sys.getswitchinterval), which is a time-out of a futex.
  const rows = trace.rows(
    `SELECT object, object_address, tid FROM off_cpu_events
     WHERE pid = ? AND tid != pid AND reason = 'futex' AND timeout_ns <= 5000000`,
    Number(python.child.pid),
  );
  trace.close();
  assert.ok(rows.length >= 10, `${rows.length} waits for 0.4 s of two threads that spin`);
  assert.deepEqual([...new Set(rows.map(row => row['object']))], ['_PyRuntime (GIL)']);
  assert.equal(new Set(rows.map(row => row['tid'])).size, 2);
});

test('everything adds up', () => {
  assert.equal(file.meta('consistent'), true, JSON.stringify(file.meta('inconsistencies')));
});
