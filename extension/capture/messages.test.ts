import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countEvents, parseCheck, parseLine, parseProcesses } from './messages.ts';

test('lines of a capture', () => {
  const sha256 = 'a'.repeat(64);
  const finished = parseLine(
    `{"type":"finished","file":"/x","bytes":5,"sha256":"${sha256}","events":{"cuda":2,"life":1},"lost":0,"exit_status":null}`,
  );
  assert.ok(finished?.type === 'finished');
  assert.equal(countEvents(finished.events), 3);
  assert.equal(
    parseLine('{"type":"progress","events":{"cuda":1},"lost":3,"new_field":[]}')?.type,
    'progress',
  );
  assert.equal(parseLine('{"type":"error","code":"btf","message":"m","hint":""}')?.type, 'error');
});

test('what is not such a line', () => {
  const lines = [
    '',
    'Welcome!',
    '{',
    '42',
    '{"type":"other"}',
    '{"type":"finished","file":"/x","bytes":5,"sha256":"short"}',
    '{"type":"progress","lost":-1}',
  ];
  for (const line of lines) assert.equal(parseLine(line), undefined, line);
});

test('check and processes', () => {
  const check =
    '{"type":"check","can_capture":false,"items":[{"code":"btf","state":"fail","message":"m","cost":"c","hint":"h"},{"code":"x"}]}\n{"type":"error","code":"btf","message":"m","hint":"h"}\n';
  assert.deepEqual(
    parseCheck(check).map(({ code, state }) => [code, state]),
    [['btf', 'fail']],
  );
  const processes =
    '{"type":"processes","processes":[{"pid":7,"name":"python3","command_line":"python3 x","user":null,"libraries":[],"gpu_memory_bytes":null}],"forbidden":0}\n';
  assert.deepEqual(
    parseProcesses(processes).map(({ pid, name }) => [pid, name]),
    [[7, 'python3']],
  );
  assert.deepEqual(parseProcesses('sudo: oh no\n'), []);
});
