import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lowerBound, upperBound } from './search.ts';

test('bounds agree with a linear search, also inside a part of the column', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20 })),
      fc.integer({ min: -1, max: 21 }),
      fc.nat(10),
      (values, wanted, skip) => {
        const column = Float64Array.from(values.sort((a, b) => a - b));
        const from = Math.min(skip, column.length);
        const linear = (hit: (value: number) => boolean): number => {
          for (let i = from; i < column.length; i++) if (hit(column[i] as number)) return i;
          return column.length;
        };
        assert.equal(
          lowerBound(column, wanted, from),
          linear(value => value >= wanted),
        );
        assert.equal(
          upperBound(column, wanted, from),
          linear(value => value > wanted),
        );
      },
    ),
  );
});
