import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, parseCommand } from './arguments.ts';

const serve = (options: Partial<Extract<Command, { do: 'serve' }>['options']>): Command => ({
  do: 'serve',
  options: { folders: [], registry: undefined, audit: undefined, ...options },
});

const cases: readonly [args: readonly string[], expected: Command][] = [
  [[], serve({})],
  [['--traces', 'a', '--traces', 'b'], serve({ folders: ['a', 'b'] })],
  [['--registry', 'r.json', '--audit', 'log'], serve({ registry: 'r.json', audit: 'log' })],
  [['--version'], { do: 'version' }],
  [['--help', '--traces', 'a'], { do: 'help' }],
  [['verify-audit', 'log'], { do: 'verify', file: 'log' }],
  [['verify-audit'], { do: 'wrong', message: 'verify-audit takes one file' }],
  [['trace.db'], { do: 'wrong', message: 'unknown argument "trace.db"' }],
];

for (const [args, expected] of cases) {
  test(`[${args.join(' ')}]: ${expected.do}`, () => assert.deepEqual(parseCommand(args), expected));
}

test('an unknown option is wrong, never ignored', () => {
  assert.equal(parseCommand(['--trace', 'a']).do, 'wrong');
});
