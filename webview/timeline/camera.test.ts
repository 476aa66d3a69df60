import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ns, type Span } from '../../extension/trace/time.ts';
import { fit, moved, overlaps, pan, SHORTEST_NS, whole, zoom } from './camera.ts';

const span = (start: number, end: number): Span => ({ startNs: ns(start), endNs: ns(end) });
const DURATION = ns(1_000_000);

for (const [name, got, want] of [
  ['pan', pan(span(100, 10_100), 500, DURATION), span(600, 10_600)],
  ['pan stops at the start', pan(span(100, 10_100), -5000, DURATION), span(0, 10_000)],
  ['pan stops at the end', pan(span(985_000, 995_000), 50_000, DURATION), span(990_000, 1_000_000)],
  ['zoom in keeps the pointed time', zoom(span(0, 100_000), 2, 25_000, DURATION), span(12_500, 62_500)],
  ['zoom out ends at the whole capture', zoom(span(0, 900_000), 0.5, 0, DURATION), span(0, 1_000_000)],
  ['fit leaves a tenth at either side', fit(span(100_000, 200_000), DURATION), span(90_000, 210_000)],
  ['fit at the start stays inside', fit(span(0, 100_000), DURATION), span(0, 120_000)],
  ['A', moved('panLeft', span(500_000, 600_000), undefined, DURATION), span(485_000, 585_000)],
  ['W', moved('zoomIn', span(0, 900_000), undefined, DURATION), span(150_000, 750_000)],
  ['F', moved('fitSelection', span(0, 9), span(100_000, 200_000), DURATION), span(90_000, 210_000)],
  ['F without a selection', moved('fitSelection', span(0, 9), undefined, DURATION), span(0, 9)],
  ['another key', moved('search', span(0, 9), undefined, DURATION), undefined],
  ['whole', whole(DURATION), span(0, 1_000_000)],
] as const) {
  test(name, () => assert.deepEqual(got, want));
}

test('zoom ends at the shortest stretch, around the pointed time', () => {
  let view = whole(DURATION);
  for (let i = 0; i < 100; i += 1) view = zoom(view, 1.5, 333_333, DURATION);
  assert.equal(view.endNs - view.startNs, SHORTEST_NS);
  assert.ok(view.startNs <= 333_333 && 333_333 <= view.endNs);
});

test('spans that only touch do not overlap', () => {
  assert.equal(overlaps(span(0, 10), span(10, 20)), false);
  assert.equal(overlaps(span(0, 11), span(10, 20)), true);
});
