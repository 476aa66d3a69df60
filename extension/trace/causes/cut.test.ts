import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';
import { columnsOf } from '../columns/index.ts';
import { cut } from './cut.ts';

function story(): ReturnType<typeof columnsOf> {
  const trace = new FixtureTrace(100);
  const thread = trace.thread('t', { cpu: 0, explicit: true });
  trace.runs(thread, 10, 20);
  trace.waits(thread, { from: 20, woken: 40, ran: 45, reason: 'pipe' });
  trace.runs(thread, 45, 50);
  trace.runs(thread, 50, 60);
  trace.waits(thread, { from: 60, woken: 60, ran: 70, reason: 'preempted' });
  trace.runs(thread, 70, 80);
  trace.waits(thread, { from: 90, reason: 'sleep' });
  return columnsOf(trace.database());
}

test('an interval is cut at state changes, to the nanosecond, wherever it begins and ends', () => {
  const columns = story();
  const cases: readonly (readonly [number, number, string])[] = [
    [
      0,
      100,
      'unseen 0-10, running 10-20, blocked 20-40, runnable 40-45, running 45-60, runnable 60-70, running 70-80, unseen 80-90, blocked 90-100',
    ],
    [12, 18, 'running 12-18'],
    [25, 42, 'blocked 25-40, runnable 40-42'],
    [40, 45, 'runnable 40-45'],
    [41, 46, 'runnable 41-45, running 45-46'],
    [45, 60, 'running 45-60'],
    [99, 100, 'blocked 99-100'],
    [0.001, 10.001, 'unseen 0.001-10, running 10-10.001'],
  ];
  for (const [from, to, expected] of cases) {
    const pieces = [...cut(columns, 0, Math.round(from * 1000), Math.round(to * 1000))];
    const said = pieces
      .map(({ kind, startNs, endNs }) => `${kind} ${startNs / 1000}-${endNs / 1000}`)
      .join(', ');
    assert.equal(said, expected);
  }
});

test('where no CPU slices were recorded, off_cpu alone speaks, but not where events were lost', () => {
  const trace = new FixtureTrace(100);
  const thread = trace.thread('t', { cpu: 0, explicit: true });
  trace.waits(thread, { from: 20, woken: 40, reason: 'pipe' });
  trace.loss(50, 60, 'scheduler');
  const columns = columnsOf(trace.database());
  const kinds = (from: number, to: number): readonly string[] =>
    [...cut(columns, 0, from * 1000, to * 1000)].map(({ kind }) => kind);
  assert.deepEqual(kinds(0, 40), ['running', 'blocked']);
  assert.deepEqual(kinds(40, 100), ['unseen']);
});
