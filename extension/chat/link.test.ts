import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLink } from './link.ts';

const trace = '/traces/a b.wakechain.db';
const query = (rest: string): string => `trace=${encodeURIComponent(trace)}${rest}`;

test('links that lead somewhere', () => {
  const parsed = parseLink('/open', query('&start=5&end=9&thread=3&cause=lock:1'));
  assert.ok(parsed.kind === 'link');
  assert.deepEqual(parsed.link, {
    trace,
    tab: 'causes',
    selection: { window: { startNs: 5, endNs: 9 }, thread: 3, row: undefined, cause: 'lock:1' },
  });
  const plain = parseLink('/open', query(''));
  assert.ok(plain.kind === 'link' && plain.link.tab === 'overview');
  const timeline = parseLink('/open', query('&thread=3'));
  assert.ok(timeline.kind === 'link' && timeline.link.tab === 'timeline');
});

test('links that do not', () => {
  const bad: readonly (readonly [string, string])[] = [
    ['/run', query('')],
    ['/open', ''],
    ['/open', 'trace=relative.wakechain.db'],
    ['/open', 'trace=/etc/passwd'],
    ['/open', `trace=${encodeURIComponent('/a\0.wakechain.db')}`],
    ['/open', query('&start=5')],
    ['/open', query('&start=9&end=5')],
    ['/open', query('&start=-1&end=5')],
    ['/open', query('&start=1e3&end=5000')],
    ['/open', query('&thread=99999999999999999')],
    ['/open', query('&cause=<script>')],
  ];
  for (const [path, text] of bad) assert.equal(parseLink(path, text).kind, 'bad', `${path}?${text}`);
});
