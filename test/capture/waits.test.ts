// Every way to wait, done on purpose by a workload that knows what it waits on: each has its reason, its object, its
// time-out and whoever ended it on file, and lasted as long as the workload's own clock says.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startCapture } from '../lib/capture.ts';
import { buildWorkloads, makeFolder, startWorkload } from '../lib/programs.ts';
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
  /** `helper`: a task, the one that the log names; the others are raised by that. */
  readonly by: 'helper' | 'timer' | 'block' | 'any';
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
  yield: { reason: 'yielded', syscall: 'sched_yield', kind: null, by: 'any' },
};

/** The kernel and this machine may lack these: then they are not in the log. */
const optional = new Set(['futex_waitv', 'page_fault', 'disk']);

/** Between our clock readings and the workload's lie both programs' code, and what interrupts them here. */
const SLACK_NS = 500_000;

const folder = makeFolder();
const log = join(folder, 'waits.log');
const trace = join(folder, 'waits.wakechain.db');
let file: TraceFile;
let pid = 0;
let cases: readonly Case[] = [];

/** Where files are written and read: a disk, which /tmp need not be. */
const onDisk = mkdtempSync('/var/tmp/wakechain-test-');

before(async () => {
  buildWorkloads();
  const waits = await startWorkload('waits', ['--folder', onDisk, '--log', log]);
  pid = waits.pid;
  try {
    const capture = await startCapture([
      '--output',
      trace,
      '--pid',
      String(pid),
      '--duration',
      '60',
      '--control-stdin',
    ]);
    waits.say('go');
    assert.equal(await waits.ended, 0, waits.words);
    capture.program.say('stop');
    await capture.finished;
  } finally {
    waits.kill();
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
  const { object, name, within } = of.line as { object?: number; name?: string; within?: [number, number] };
  const said = `${of.name}: ${JSON.stringify(row)}`;
  if (object !== undefined) assert.equal(row['object_address'], object, said);
  // A path is the host's: where these tests run in a root of their own, it goes on before what they see.
  if (name?.startsWith('/')) assert.ok(String(row['object']).endsWith(name), said);
  else if (name !== undefined) assert.equal(row['object'], name, said);
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
    if (['disk', 'kernel_lock', 'yield'].includes(of.name)) continue;
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

test('everything adds up', () => {
  assert.equal(file.meta('consistent'), true, JSON.stringify(file.meta('inconsistencies')));
});
