import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFrame, encodeFrame } from './wire.ts';

const across = (message: unknown): unknown => {
  const frame = encodeFrame(message);
  return decodeFrame(frame.slice().buffer);
};

for (const [name, message] of [
  ['plain', { type: 'reply', id: 1, ok: { a: [1, 'two', null, true] } }],
  ['one column', { ok: { startNs: new Float64Array([0, 1.5, 8_640_000_000_000_000]) } }],
  [
    'odd lengths stay aligned',
    {
      ok: [
        { depth: new Uint8Array([1, 2, 3]), colour: new Uint16Array([7]), end: new Float64Array([4]) },
        {
          parent: new Int32Array([-1, 0]),
          count: new Uint32Array([4_294_967_295]),
          none: new Uint8Array([]),
        },
      ],
    },
  ],
  ['an array alone', new Uint32Array([3, 1])],
  [
    'keys of a stranger',
    { meta: { arrays: [{ path: [], kind: 'Float64Array', length: 9 }], message: null } },
  ],
  ['words beyond ASCII', { sentence: 'µs → 待つ 🚀' }],
] as const) {
  test(`a frame brings back: ${name}`, () => assert.deepEqual(across(message), message));
}

test('a view on part of a buffer carries that part alone', () => {
  const whole = new Float64Array([1, 2, 3, 4]);
  assert.deepEqual(across({ part: whole.subarray(1, 3) }), { part: new Float64Array([2, 3]) });
});

test('a frame cut short is refused, not read as less', () => {
  const frame = encodeFrame({ column: new Float64Array([1, 2, 3]) });
  assert.throws(() => decodeFrame(frame.slice(0, frame.length - 8).buffer));
});
