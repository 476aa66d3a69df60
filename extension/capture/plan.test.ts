import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureArguments } from './plan.ts';

const login = { uid: 1001, user: 'ann' };
const always = ['capture', '--output', '/o', '--owner', '1001', '--control-stdin', '--profile', 'standard'];

test('arguments of the collector', () => {
  const plan = { durationSeconds: 2, profile: 'standard' } as const;
  const args = (target: Parameters<typeof captureArguments>[0]['target']) =>
    captureArguments({ ...plan, target }, '/o', login);
  const timed = [...always, '--duration', '2'];
  assert.deepEqual(args({ kind: 'all' }), [...timed, '--all']);
  assert.deepEqual(args({ kind: 'processes', pids: [7, 8] }), [...timed, '--pid', '7', '--pid', '8']);
  assert.deepEqual(args({ kind: 'command', line: 'x --all' }), [
    ...timed,
    '--as',
    'ann',
    '--',
    'sh',
    '-c',
    'x --all',
  ]);
  assert.deepEqual(
    captureArguments({ ...plan, durationSeconds: undefined, target: { kind: 'all' } }, '/o', login),
    [...always, '--all'],
  );
});
