import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryTrace } from '../../test/fixtures/temporary.ts';
import { provenance } from './provenance.ts';

test('the hash beside the file is the file, until one of them changes', async t => {
  const { file } = temporaryTrace(t, { events: 500, sha256: true });
  const hex = readFileSync(`${file}.sha256`, 'utf8').slice(0, 64);
  assert.deepEqual(await provenance(file), { sha256: hex, state: 'verified' });
  writeFileSync(`${file}.sha256`, hex.toUpperCase());
  assert.deepEqual(await provenance(file), { sha256: hex, state: 'verified' }, 'hex alone, in capitals');
  appendFileSync(file, 'x');
  assert.deepEqual(await provenance(file), { sha256: hex, state: 'changed' });
  writeFileSync(`${file}.sha256`, 'no hash at all');
  assert.deepEqual(await provenance(file), { sha256: undefined, state: 'not known' });
  rmSync(`${file}.sha256`);
  assert.deepEqual(await provenance(file), { sha256: undefined, state: 'not known' });
});
