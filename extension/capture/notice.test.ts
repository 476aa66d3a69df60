import assert from 'node:assert/strict';
import { test } from 'node:test';
import { label, notice } from './notice.ts';

/** As the editor finds links in notifications and prompts (vs/base/common/linkedText). */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;

test('words of a host make no link and no icon', () => {
  const evil = [
    'sudo: [Fix it](command:workbench.action.terminal.new)',
    'sudo: [Fix it]\u0000(command:workbench.action.terminal.new "ok")',
    'sudo: [Fix it]\u200B(https://example.org)',
  ];
  for (const text of evil) {
    assert.doesNotMatch(notice(text), LINK, text);
    assert.doesNotMatch(label(text), LINK, text);
  }
  assert.equal(label('$(trash) python3'), '$ (trash) python3');
  assert.match('[Fix it](command:x)', LINK);
});

test('a sentence is left as it is; a long one is cut, and says where the rest is', () => {
  const sentence = 'gpu: the disk is full (/var/tmp). Make room, then try again [disk_full]';
  assert.equal(notice(sentence), sentence);
  const long = notice(`sudo: ${'x'.repeat(100_000)}`);
  assert.ok(long.length < 1000);
  assert.match(long, /log channel "Wakechain" has the whole/);
});
