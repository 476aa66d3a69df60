import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explained } from '../../../test/fixtures/explained.ts';
import { FixtureTrace } from '../../../test/fixtures/told-trace.ts';

test('packets that were sent again: of this very socket, of its peer, of another one, at another time', () => {
  const cases: readonly {
    why: string;
    at: number;
    own?: boolean;
    source?: string;
    timer?: boolean;
    said: string;
  }[] = [
    { why: 'its own', at: 12_000, own: true, said: 'network 0.95' },
    {
      why: 'ended by the timer that sent it again',
      at: 12_000,
      own: true,
      timer: true,
      said: 'network 0.95',
    },
    { why: 'from its peer', at: 12_000, source: '10.0.0.2:5000', said: 'network 0.6' },
    { why: 'another socket', at: 12_000, source: '10.0.0.3:5000', said: 'interrupt 0.95' },
    { why: 'before the wait', at: 9_000, own: true, said: 'interrupt 0.95' },
    { why: 'after the wait', at: 15_000, own: true, said: 'interrupt 0.95' },
  ];
  for (const { why, at, own, source, timer, said } of cases) {
    const trace = new FixtureTrace(50_000);
    const engine = trace.thread('engine', { cpu: 0 });
    const borrowed = trace.thread('borrowed', { cpu: 1 });
    const socket = trace.object('socket', 7, 'tcp 10.0.0.1:4000 -> 10.0.0.2:5000');
    trace.retransmit(at, {
      ...(own === true ? { object: socket } : {}),
      ...(source === undefined ? {} : { source }),
    });
    trace.waits(engine, {
      from: 10_000,
      woken: 15_000,
      reason: 'socket',
      object: socket,
      by: borrowed,
      context: 'interrupt',
      interrupt: timer === true ? 'timer' : 'net_rx',
    });
    const cause = explained(trace, trace.call(engine, 'cudaLaunchKernel', 10_000, 15_000));
    const [leaf] = cause.examples[0]?.children ?? [];
    assert.equal(`${leaf?.edge} ${leaf?.confidence}`, said, why);
    assert.doesNotMatch(JSON.stringify(cause), /borrowed/, why);
  }
});
