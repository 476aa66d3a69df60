// A thinned picture: never more than two events a pixel, none forgotten, none longer than the one drawn for it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Mipmap } from './mipmap.ts';

/** Events one after another: gap, length, gap, length, ... */
const events = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 1, max: 1_000_000 })), {
    minLength: 1,
    maxLength: 300,
  })
  .map(pairs => {
    const startNs: number[] = [];
    const endNs: number[] = [];
    let now = 0;
    for (const [gap, length] of pairs) {
      startNs.push(now + gap);
      endNs.push(now + gap + length);
      now += gap + length;
    }
    return { startNs: Float64Array.from(startNs), endNs: Float64Array.from(endNs) };
  });

test('at most two events start in a pixel, all are counted, and the longest of each bucket is drawn', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 10_000_000 }), ({ startNs, endNs }, resolution) => {
      const { rows, counts } = new Mipmap(startNs, endNs, Int32Array.from(startNs.keys())).query(
        0,
        Number.POSITIVE_INFINITY,
        resolution,
      );
      assert.equal(
        counts.reduce((sum, n) => sum + n, 0),
        startNs.length,
      );
      const bucketNs = resolution < 256 ? 1 : 2 ** Math.floor(Math.log2(resolution));
      assert.ok(resolution < 256 || bucketNs > resolution / 2);
      const longest = new Map<number, number>();
      for (let i = 0; i < startNs.length; i++) {
        const bucket = Math.floor((startNs[i] ?? 0) / bucketNs);
        longest.set(bucket, Math.max(longest.get(bucket) ?? 0, (endNs[i] ?? 0) - (startNs[i] ?? 0)));
      }
      const drawn = [...rows].map(row => [
        Math.floor((startNs[row] ?? 0) / bucketNs),
        (endNs[row] ?? 0) - (startNs[row] ?? 0),
      ]);
      if (resolution >= 256) assert.deepEqual(drawn, [...longest]);
      else assert.equal(rows.length, startNs.length);
    }),
  );
});

test('a window shows every event that reaches into it', () => {
  fc.assert(
    fc.property(events, fc.nat(30_000_000), fc.nat(30_000_000), ({ startNs, endNs }, from, length) => {
      const { rows } = new Mipmap(startNs, endNs, Int32Array.from(startNs.keys())).query(
        from,
        from + length,
        1,
      );
      const inside = [...startNs.keys()].filter(
        i => (startNs[i] ?? 0) < from + length && (endNs[i] ?? 0) > from,
      );
      for (const row of inside) assert.ok(rows.includes(row), `row ${row}`);
    }),
  );
});

test('many events: the levels that earlier pictures left behind change nothing', () => {
  const count = 50_000;
  const startNs = Float64Array.from({ length: count }, (_, i) => i * 1000 + (i % 7) * 30);
  const endNs = startNs.map((start, i) => start + 1 + ((i * 7919) % 700));
  const rows = Int32Array.from(startNs.keys());
  const used = new Mipmap(startNs, endNs, rows);
  for (const resolution of [1 << 20, 1 << 12, 1 << 15, 300, 1 << 20, 1 << 14]) {
    for (const [from, to] of [
      [0, Number.POSITIVE_INFINITY],
      [10_000_123, 30_000_456],
    ] as const) {
      const made = used.query(from, to, resolution);
      assert.deepEqual(made, new Mipmap(startNs, endNs, rows).query(from, to, resolution));
      const bucket = 2 ** Math.floor(Math.log2(resolution));
      const aligned = Math.floor(from / bucket) * bucket;
      const until = Math.ceil(to / bucket) * bucket;
      const inside = startNs.filter(start => start >= aligned && start < until).length;
      const before = startNs.some((start, i) => start < aligned && (endNs[i] ?? 0) > from) ? 1 : 0;
      assert.equal(
        made.counts.reduce((sum, n) => sum + n, 0),
        inside + before,
      );
    }
  }
});
