import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ns, type Span } from '../../extension/trace/time.ts';
import { resolutionOf, wanted } from './bounds.ts';

const span = (start: number, end: number): Span => ({ startNs: ns(start), endNs: ns(end) });

test('resolution is the power of two at or below a pixel', () => {
  assert.equal(resolutionOf(span(0, 1000), 1000), 1);
  assert.equal(resolutionOf(span(0, 7999), 1000), 4);
  assert.equal(resolutionOf(span(0, 8000), 1000), 8);
  assert.equal(resolutionOf(span(0, 100), 1000), 1);
});

test('the first question asks for three times the visible stretch', () => {
  assert.deepEqual(wanted(span(100_000, 200_000), 1000, undefined, 1_000_000), {
    window: span(0, 300_000),
    resolutionNs: 64,
  });
});

test('a question is cut to the capture', () => {
  assert.deepEqual(
    wanted(span(900_000, 1_000_000), 1000, undefined, 1_000_000)?.window,
    span(800_000, 1_000_000),
  );
});

test('panning inside the answer asks nothing; leaving it does', () => {
  const have = { window: span(0, 300_000), resolutionNs: 64 };
  assert.equal(wanted(span(190_000, 290_000), 1000, have, 1_000_000), undefined);
  assert.deepEqual(wanted(span(210_000, 310_000), 1000, have, 1_000_000)?.window, span(110_000, 410_000));
});

test('zooming asks when the power of two changes', () => {
  const have = { window: span(0, 300_000), resolutionNs: 64 };
  assert.equal(wanted(span(100_000, 170_000), 1000, have, 1_000_000), undefined);
  assert.equal(wanted(span(100_000, 150_000), 1000, have, 1_000_000)?.resolutionNs, 32);
});
