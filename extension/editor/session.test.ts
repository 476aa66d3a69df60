import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostMessage, ViewState } from '../../webview/protocol.ts';
import type { Answer, Argument, Method, Trace } from '../trace/api.ts';
import { type Host, Session, shapeOf } from './session.ts';

/** A trace whose answers the test gives by hand. */
class HandTrace implements Trace {
  readonly path = '/traces/a.wakechain.db';
  readonly asked: {
    method: Method;
    argument: unknown;
    signal: AbortSignal | undefined;
    answer: (value: unknown) => void;
  }[] = [];
  call<M extends Method>(method: M, argument: Argument<M>, signal?: AbortSignal): Promise<Answer<M>> {
    return new Promise(resolve => {
      this.asked.push({ method, argument, signal, answer: value => resolve(value as Answer<M>) });
    });
  }
  async close(): Promise<void> {}
}

function setUp(trace: Promise<Trace>): {
  session: Session;
  sent: HostMessage[];
  kept: ViewState[];
  logged: string[];
} {
  const sent: HostMessage[] = [];
  const kept: ViewState[] = [];
  const logged: string[] = [];
  const host: Host = {
    file: 'a.wakechain.db',
    trace,
    send: message => sent.push(message),
    state: () => kept.at(-1),
    keep: state => kept.push(state),
    openSource: () => undefined,
    copy: () => undefined,
    import: () => undefined,
    log: line => logged.push(line),
  };
  return { session: new Session(host), sent, kept, logged };
}

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('nothing is sent before ready; then hello first, then what was pushed', () => {
  const { session, sent } = setUp(Promise.resolve(new HandTrace()));
  const selection = { window: undefined, thread: 3, row: undefined, cause: undefined };
  session.push({ type: 'reveal', tab: 'timeline', selection });
  assert.equal(sent.length, 0);
  session.receive({ type: 'ready', protocol: 1 });
  assert.deepEqual(
    sent.map(message => message.type),
    ['hello', 'reveal'],
  );
});

test('a call gets one reply under its id', async () => {
  const trace = new HandTrace();
  const { session, sent } = setUp(Promise.resolve(trace));
  session.receive({ type: 'ready', protocol: 1 });
  session.receive({ type: 'call', id: 9, method: 'stats', argument: { pid: 4 } });
  await settled();
  assert.deepEqual([trace.asked[0]?.method, trace.asked[0]?.argument], ['stats', { pid: 4 }]);
  trace.asked[0]?.answer('numbers');
  await settled();
  assert.deepEqual(sent.at(-1), { type: 'reply', id: 9, ok: 'numbers' });
});

test('a cancelled call is aborted and never answered', async () => {
  const trace = new HandTrace();
  const { session, sent } = setUp(Promise.resolve(trace));
  session.receive({ type: 'ready', protocol: 1 });
  session.receive({ type: 'call', id: 2, method: 'schema' });
  await settled();
  session.receive({ type: 'cancel', id: 2 });
  assert.equal(trace.asked[0]?.signal?.aborted, true);
  trace.asked[0]?.answer('late');
  await settled();
  assert.deepEqual(
    sent.map(message => message.type),
    ['hello'],
  );
});

test('a trace that cannot be opened is told once, with its sentence and hint', async () => {
  const error = Object.assign(new Error('The file is cut short.'), {
    reason: 'truncated',
    hint: 'Copy it again.',
  });
  const { session, sent } = setUp(Promise.reject(error));
  session.receive({ type: 'ready', protocol: 1 });
  await settled();
  assert.deepEqual(sent.at(-1), {
    type: 'failed',
    error: { reason: 'truncated', message: 'The file is cut short.', hint: 'Copy it again.' },
  });
});

test('a message that does not fit is logged, and its call answered', () => {
  const { session, sent, logged } = setUp(Promise.resolve(new HandTrace()));
  session.receive({ type: 'call', id: 3, method: 'row', argument: { table: 'secrets', id: 1 } });
  assert.equal(logged.length, 1);
  assert.deepEqual(
    sent.map(message =>
      message.type === 'reply' && 'error' in message ? [message.id, message.error.reason] : [],
    ),
    [[3, 'bad_query']],
  );
});

test('another protocol is refused with a sentence', () => {
  const { session, sent } = setUp(Promise.resolve(new HandTrace()));
  session.receive({ type: 'ready', protocol: 99 });
  assert.equal(sent[0]?.type, 'failed');
});

test('state is kept, and comes back with the next hello', () => {
  const { session, sent, kept } = setUp(Promise.resolve(new HandTrace()));
  session.receive({ type: 'ready', protocol: 1 });
  const state = { tab: 'causes', selection: { cause: 'c7' } };
  session.receive({ type: 'state', state });
  session.receive({ type: 'ready', protocol: 1 });
  assert.equal(kept.length, 1);
  const hello = sent.at(-1);
  assert.equal(hello?.type === 'hello' ? hello.state?.selection.cause : undefined, 'c7');
});

test('an error of no known shape is called a defect', () => {
  assert.equal(shapeOf(new TypeError('x is undefined')).reason, 'internal');
});
