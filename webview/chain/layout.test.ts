import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CauseNode, Edge, State } from '../../extension/trace/api.ts';
import { ns } from '../../extension/trace/time.ts';
import {
  chainRows,
  clockFits,
  fold,
  openAtFirst,
  piecesOf,
  rowWords,
  stripTicks,
  visibleRows,
} from './layout.ts';

const node = (
  edge: Edge,
  state: State,
  startNs: number,
  durationNs: number,
  children: CauseNode[] = [],
  label = `${edge}`,
): CauseNode => ({
  edge,
  state,
  thread: undefined,
  startNs: ns(startNs),
  durationNs: ns(durationNs),
  label,
  confidence: 1,
  rows: [{ table: 'off_cpu', id: startNs }],
  children,
});

/** The story of the README: a call that waited for a lock whose holder wanted a CPU. */
const STORY = node('slow_call', 'other', 0, 1000, [
  node('on_cpu', 'running', 0, 20),
  node('lock', 'lock', 20, 960, [
    node('held_by', 'other', 20, 960, [
      node('on_cpu', 'running', 20, 120),
      node('behind', 'runnable', 140, 690),
      node('on_cpu', 'running', 830, 150),
    ]),
  ]),
  node('on_cpu', 'running', 980, 20),
]);

test('rows, parents before children, with levels, folded leaves and shares', () => {
  assert.deepEqual(
    chainRows(STORY).map(row => [row.key, row.level, row.node.edge, row.timeNs, row.share]),
    [
      ['0', 1, 'slow_call', 1000, 1],
      ['0.0', 2, 'on_cpu', 40, 0.04],
      ['0.1', 2, 'lock', 960, 0.96],
      ['0.1.0', 3, 'held_by', 960, 0.96],
      ['0.1.0.0', 4, 'on_cpu', 270, 0.27],
      ['0.1.0.1', 4, 'behind', 690, 0.69],
    ],
  );
});

test('a folded row keeps every piece and every row of evidence', () => {
  const row = chainRows(STORY).find(({ key }) => key === '0.1.0.0');
  assert.deepEqual(
    row?.pieces.map(piece => [piece.startNs, piece.endNs]),
    [
      [20, 140],
      [830, 980],
    ],
  );
  assert.equal(row?.rows.length, 2);
});

test('what did something is painted by its parts; a wait by what it waited for', () => {
  assert.deepEqual(
    piecesOf(STORY).map(piece => piece.state),
    ['running', 'lock', 'running'],
  );
  const inside = node('slow_call', 'other', 0, 1000, [
    node('nested_call', 'running', 0, 1000, [...STORY.children]),
  ]);
  assert.deepEqual(piecesOf(inside), piecesOf(STORY));
  const lock = STORY.children[1];
  assert.ok(lock !== undefined);
  assert.deepEqual(piecesOf(lock), [{ state: 'lock', startNs: 20, endNs: 980 }]);
});

test('steps that say the same are folded with what is below them', () => {
  const preempted = (at: number): CauseNode =>
    node('runnable', 'runnable', at, 50, [node('behind', 'runnable', at, 50, [], 'behind spinner')]);
  const rows = chainRows(
    node('held_by', 'other', 0, 200, [preempted(0), node('on_cpu', 'running', 50, 50), preempted(100)]),
  );
  assert.deepEqual(
    rows.map(row => [row.node.edge, row.timeNs, row.span.startNs, row.span.endNs, row.pieces.length]),
    [
      ['held_by', 200, 0, 200, 3],
      ['runnable', 100, 0, 150, 2],
      ['behind', 100, 0, 150, 2],
      ['on_cpu', 50, 50, 100, 1],
    ],
  );
});

test('other words or another thread are not folded', () => {
  assert.equal(
    fold([node('on_cpu', 'running', 0, 1, [], 'a'), node('on_cpu', 'running', 1, 1, [], 'b')]).length,
    2,
  );
});

test('the time of the rows of one level adds up to their parent', () => {
  const rows = chainRows(STORY);
  for (const row of rows.filter(({ hasChildren }) => hasChildren)) {
    const children = rows.filter(({ parent }) => parent === row.key);
    assert.equal(
      children.reduce((sum, child) => sum + child.timeNs, 0),
      row.timeNs,
    );
  }
});

test('a row does not say again what its plate says, and names its thread', () => {
  const thread = { id: 1, tid: 7, pid: 7, name: 'engine', process: 'vllm' };
  const said = (edge: Edge, label: string, withThread = false): string => {
    const [row] = chainRows({
      ...node(edge, 'running', 0, 1, [], label),
      thread: withThread ? thread : undefined,
    });
    return row === undefined
      ? ''
      : rowWords({ ...row, level: edge === 'slow_gap' || edge === 'slow_call' ? 1 : 2 });
  };
  assert.equal(said('held_by', 'held by tokenizer (tid 4)'), 'tokenizer (tid 4)');
  assert.equal(said('on_cpu', 'on the CPU in cuLaunchKernel'), 'in cuLaunchKernel');
  assert.equal(said('on_cpu', 'on the CPU'), '');
  assert.equal(said('slow_gap', 'cudaMemcpyAsync', true), 'before cudaMemcpyAsync on engine');
  assert.equal(said('slow_call', 'cudaMalloc on engine', true), 'cudaMalloc on engine');
});

test('closing a row hides all below it', () => {
  const rows = chainRows(STORY);
  const open = new Set(openAtFirst(rows));
  assert.deepEqual([...open], ['0', '0.1', '0.1.0']);
  open.delete('0.1');
  assert.deepEqual(
    visibleRows(rows, open).map(({ key }) => key),
    ['0', '0.0', '0.1'],
  );
});

test('labels of a strip overlap neither each other nor the clock time at its left, at any width', () => {
  const most = stripTicks(13_100_000, 900).length;
  assert.ok(most >= 4, `${most} at 900 px`);
  for (let width = 0; width <= 900; width += 10) {
    const places = stripTicks(13_100_000, width).map(tick => (tick.atNs / 13_100_000) * width);
    for (const [i, x] of places.entries()) {
      // A label is 68 px at most, centred at its tick; the clock time takes 84 px.
      assert.ok(x - 34 >= (i === 0 ? 84 : (places[i - 1] ?? 0) + 34), `${width} px: ${places.join(' ')}`);
      assert.ok(x + 34 <= width);
    }
  }
  assert.deepEqual(stripTicks(13_100_000, 120), [], 'no room for any');
  assert.deepEqual(stripTicks(0, 900), []);
});

test('pieces too short to follow are one row beside what was followed, however many and of whatever state', () => {
  const short = (count: number, state: 'running' | 'runnable', startNs: number) =>
    node('limit', state, startNs, 10, [], `${count} pieces too short to follow (${state} 10 ns)`);
  const followed = node('lock', 'lock', 10, 20, [], 'waiting for a lock');
  const root = node('slow_call', 'running', 0, 50, [
    short(3, 'running', 0),
    followed,
    short(4, 'runnable', 30),
    short(2, 'running', 40),
  ]);
  const rows = chainRows(root).filter(row => row.level === 2);
  assert.deepEqual(
    rows.map(row => [row.node.label, row.timeNs, row.pieces.map(piece => piece.state).join()]),
    [
      ['9 pieces too short to follow', 30, 'running,runnable,running'],
      ['waiting for a lock', 20, 'lock'],
    ],
  );
  const cut = node('limit', 'running', 0, 10, [], 'on the CPU (not followed deeper than 16 steps)');
  assert.equal(fold([cut, short(3, 'running', 10)]).length, 2, 'another limit is another row');
});

test('the clock of a strip stands only where it fits', () => {
  assert.deepEqual([40, 83, 84, 300].map(clockFits), [false, false, true, true]);
});
