// Every tool refuses what it does not know, and says what it does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { inputOf } from './input.ts';
import { tools } from './server.ts';

const messages = (input: z.ZodObject, given: Record<string, unknown>) =>
  input.safeParse(given).error?.issues.map(issue => issue.message) ?? [];

test('an unknown argument: named, with the nearest and all that are allowed', () => {
  const input = inputOf({ limit: z.int().optional(), start: z.number().optional() });
  assert.deepEqual(messages(input, { limitt: 3 }), [
    'unknown argument "limitt"; did you mean "limit"? Allowed: limit and start.',
  ]);
  assert.deepEqual(messages(input, { function: 'x' }), [
    'unknown argument "function". Allowed: limit and start.',
  ]);
  assert.match(messages(input, { limit: 'x' })[0] ?? '', /expected number/);
  assert.deepEqual(input.parse({ limit: 3 }), { limit: 3 });
});

for (const { name, input } of tools) {
  test(`${name} refuses what it does not know`, () => {
    const given = name === 'run_sql' ? { query: 'SELECT 1' } : {};
    assert.deepEqual(messages(input, given), []);
    assert.match(messages(input, { ...given, xyzzy: 1 }).join(' '), /^unknown argument "xyzzy"\. Allowed: /);
  });
}
