// What a host does to a program besides scheduling it: disk requests, page faults, retransmits, samples of running code,
// readings. Each is compared with the workload's own count, or with the kernel's.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startCapture } from '../lib/capture.ts';
import { buildWorkloads, makeFolder, startWorkload } from '../lib/programs.ts';
import { type Row, TraceFile } from '../lib/trace-file.ts';
import { type LogLine, parseLog, traceClock } from '../lib/truth.ts';

const folder = makeFolder();
/** A disk, which /tmp need not be. */
const onDisk = mkdtempSync('/var/tmp/wakechain-test-');
let file: TraceFile;
let pid = 0;
let lines: readonly LogLine[] = [];
/** What the stand-in for nvidia-smi was called with. */
const smiCalls = join(folder, 'nvidia-smi.calls');
let at: (ns: number) => number;

/**
 * A program that prints what nvidia-smi prints in its loop mode, for two GPUs, the second without a power meter
 * (https://docs.nvidia.com/deploy/nvidia-smi: --query-gpu, --format=csv,noheader,nounits, --loop-ms).
 */
function makeNvidiaSmi(): string {
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  const script = [
    '#!/bin/sh',
    `echo "$$ $*" >> '${smiCalls}'`,
    'while :; do',
    'echo "0, 87, 40, 2048, 1410, 65, 299.50, 0x0000000000000004"',
    'echo "1, 3, 0, 17, 210, 31, [N/A], 0x0000000000000001"',
    'sleep 1',
    'done',
  ];
  writeFileSync(join(programs, 'nvidia-smi'), `${script.join('\n')}\n`, { mode: 0o755 });
  return programs;
}

before(async () => {
  buildWorkloads();
  process.env['PATH'] = `${makeNvidiaSmi()}:${process.env['PATH']}`;
  const log = join(folder, 'host.log');
  const trace = join(folder, 'host.wakechain.db');
  const workload = await startWorkload('host', ['--folder', onDisk, '--log', log]);
  pid = workload.pid;
  try {
    const target = ['--pid', String(pid), '--off-cpu-threshold-us', '5'];
    const capture = await startCapture(['--output', trace, ...target, '--duration', '60', '--control-stdin']);
    workload.say('go');
    assert.equal(await workload.ended, 0, workload.words);
    capture.program.say('stop');
    await capture.finished;
  } finally {
    workload.kill();
  }
  file = new TraceFile(trace);
  lines = parseLog(readFileSync(log, 'utf8'));
  const said = lines.find(line => line.type === 'workload');
  assert.ok(said);
  at = traceClock(said, file.startUnixNs);
});

after(() => {
  file?.close();
  for (const made of [folder, onDisk]) rmSync(made, { recursive: true, force: true });
});

function line(type: string): LogLine & Readonly<Record<string, unknown>> {
  const found = lines.find(one => one.type === type);
  assert.ok(found, `the log has no line "${type}"`);
  return found;
}

/** Rows of a table that belong to a line's thread and time. */
const during = (of: LogLine, sql: string): Row[] =>
  file.rows(sql, Number(of['tid']), at(Number(of['start_ns'])), at(Number(of['end_ns'])));

test('every major fault of the workload is a stall, and those that slept name the request that ended it', () => {
  const faults = line('faults');
  assert.ok(Number(faults['major']) >= 32, `only ${faults['major']} pages were read from the disk`);
  const stalls = during(
    faults,
    `SELECT m.* FROM memory_stall m JOIN thread t ON t.id = m.thread_id
     WHERE t.tid = ? AND m.kind = 'page_fault' AND m.start_ns BETWEEN ? AND ?`,
  );
  assert.equal(stalls.length, faults['major']);
  assert.ok(stalls.every(({ details }) => details === '{"major":true}'));
  const waits = during(
    faults,
    `SELECT o.start_ns + o.blocked_ns AS woken_ns, b.start_ns + b.duration_ns AS done_ns, b.operation, b.queue_ns,
       b.duration_ns, o.waker_context, o.block_io_id
     FROM off_cpu_events o LEFT JOIN block_io b ON b.id = o.block_io_id
     WHERE o.tid = ? AND o.reason = 'page_fault' AND o.start_ns BETWEEN ? AND ?`,
  );
  assert.ok(waits.length > 0);
  const woken = waits.filter(row => row['waker_context'] === 'interrupt');
  for (const row of woken) {
    const said = JSON.stringify(row);
    assert.equal(row['operation'], 'read', said);
    assert.ok(Number(row['queue_ns']) <= Number(row['duration_ns']), said);
    assert.ok(Number(row['done_ns']) <= Number(row['woken_ns']), said);
  }
});

test('the disk gave as many bytes as the faults asked for, at least', () => {
  const faults = line('faults');
  const [sum] = during(
    faults,
    `SELECT coalesce(sum(b.bytes), 0) AS bytes, count(*) AS requests FROM block_io b JOIN thread t ON t.id = b.thread_id
     WHERE t.tid = ? AND b.operation = 'read' AND b.start_ns BETWEEN ? AND ?`,
  );
  const major = Number(faults['major']);
  assert.ok(Number(sum?.['requests']) >= major, `${sum?.['requests']} requests for ${major} faults`);
  assert.ok(Number(sum?.['bytes']) >= major * 4096, `${sum?.['bytes']} bytes for ${major} faults`);
});

test('samples are as many as the CPU time of the thread has hundredths, and name the code', () => {
  const spin = line('spin');
  const samples = during(
    spin,
    `SELECT s.*, f.function FROM cpu_sample s JOIN thread t ON t.id = s.thread_id
     LEFT JOIN stack k ON k.id = s.stack_id LEFT JOIN frame f ON f.id = k.frame_id
     WHERE t.tid = ? AND s.at_ns BETWEEN ? AND ?`,
  );
  // a clock tick of a virtual CPU may come late, and then stands for several
  const expected = (Number(spin['cpu_ns']) / 1e9) * 99;
  assert.ok(
    samples.length > expected / 2 && samples.length < expected * 1.5,
    `${samples.length} of ${expected}`,
  );
  const inIt = samples.filter(({ function: name }) =>
    /spin_here|clock_gettime|clock_ns|vdso/.test(String(name)),
  );
  assert.ok(inIt.length > samples.length * 0.8, JSON.stringify(samples.slice(0, 5)));
});

test('segments that were sent again, over IPv4 and IPv6, with their owner', () => {
  const all = lines.filter(one => one.type === 'retransmit');
  assert.ok(all.some(one => one['family'] === 4));
  for (const of of all) {
    const host = of['family'] === 4 ? '127.0.0.1' : '[::1]';
    const rows = file.rows(
      `SELECT r.*, p.pid FROM tcp_retransmit r LEFT JOIN process p ON p.id = r.process_id
       WHERE source = ? AND destination = ?`,
      `${host}:${of['from']}`,
      `${host}:${of['to']}`,
    );
    assert.ok(Number(of['count']) > 0, JSON.stringify(of));
    assert.equal(rows.length, of['count'], JSON.stringify({ of, rows }));
    for (const row of rows) assert.deepEqual([row['state'], row['pid']], ['syn_sent', pid]);
    const [wait] = file.rows(
      `SELECT object_id FROM off_cpu_events WHERE tid = ? AND reason = 'poll' ORDER BY duration_ns DESC LIMIT 1`,
      Number(of['tid']),
    );
    assert.ok(rows.every(row => row['object_id'] === wait?.['object_id']));
  }
});

test('readings of the host', () => {
  const metric = (name: string) =>
    file.rows('SELECT value FROM sample WHERE metric = ?', name).map(({ value }) => Number(value));
  const total = /MemTotal:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  assert.ok(metric('memory.total_bytes').length > 0);
  assert.ok(metric('memory.total_bytes').every(value => value === Number(total) * 1024));
  for (const name of [
    'cpu.percent',
    'cpu.steal_percent',
    'cpu.interrupt_percent',
    'pressure.cpu.some_percent',
  ])
    for (const value of metric(name)) assert.ok(value >= 0 && value <= 100, `${name}: ${value}`);
  // one thread of it spun for a good part of the first second
  assert.ok(Math.max(...metric('cpu.user_percent')) > 5, String(metric('cpu.user_percent')));
});

test('readings of the GPUs, by nvidia-smi in its loop mode, which ends with the capture', () => {
  const values = (metric: string) =>
    file.rows('SELECT value FROM sample WHERE metric = ?', metric).map(({ value }) => Number(value));
  const said: Readonly<Record<string, readonly [number, number | undefined]>> = {
    utilization_percent: [87, 3],
    memory_utilization_percent: [40, 0],
    memory_used_bytes: [2048 * 2 ** 20, 17 * 2 ** 20],
    sm_clock_mhz: [1410, 210],
    temperature_celsius: [65, 31],
    power_watts: [299.5, undefined],
    throttle_reasons: [4, 1],
  };
  for (const [name, ofBoth] of Object.entries(said))
    for (const [gpu, wanted] of ofBoth.entries())
      assert.deepEqual(
        [...new Set(values(`gpu.${gpu}.${name}`))],
        wanted === undefined ? [] : [wanted],
        name,
      );
  assert.ok(values('gpu.0.utilization_percent').length >= 2, 'one reading a second');
  const calls = readFileSync(smiCalls, 'utf8').trim().split('\n');
  assert.equal(calls.length, 1, calls.join('\n'));
  assert.match(calls[0] ?? '', /--format=csv,noheader,nounits --loop-ms=1000$/);
  assert.throws(() => process.kill(Number(calls[0]?.split(' ')[0]), 0), 'it is gone');
});

test('everything adds up', () => {
  assert.equal(file.meta('consistent'), true, JSON.stringify(file.meta('inconsistencies')));
  const wrong = file.rows(
    'SELECT * FROM probe WHERE hits IS NOT NULL AND hits != emitted + merged + filtered + lost',
  );
  assert.deepEqual(wrong, []);
});
