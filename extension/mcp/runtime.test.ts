import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unfitNode } from './runtime.ts';

for (const version of ['24.15.0', '24.21.1', '25.0.0', '26.1.0'])
  test(`Node ${version} will do`, () => assert.equal(unfitNode(version), undefined));

for (const version of ['18.19.0', '20.20.2', '23.15.0', '24.14.9'])
  test(`Node ${version} is too old, and both versions are named`, () => {
    const sentence = unfitNode(version);
    assert.match(String(sentence), /needs Node 24\.15 or newer/);
    assert.ok(sentence?.includes(`this is Node ${version}.`));
  });
