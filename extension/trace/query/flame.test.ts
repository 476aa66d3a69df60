// Sums of a flame graph against SQL; no box is smaller than what stands below it.

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { number } from '../../../test/fixtures/oracle.ts';
import { openStore } from '../../../test/fixtures/store.ts';
import { temporaryTrace } from '../../../test/fixtures/temporary.ts';
import type { FlameTree } from '../api.ts';
import { flame } from './flame.ts';

function checkTree(tree: FlameTree): void {
  const below = new Float64Array(tree.name.length);
  for (let box = 1; box < tree.name.length; box++) {
    const parent = tree.parent[box] ?? -1;
    assert.ok(parent >= 0 && parent < box, 'parents come first');
    below[parent] = (below[parent] ?? 0) + (tree.timeNs[box] ?? 0);
  }
  for (const [box, time] of below.entries()) assert.ok(time <= (tree.timeNs[box] ?? 0), tree.name[box]);
}

const box = (tree: FlameTree, name: string, parent: number) =>
  tree.name.findIndex((found, i) => found === name && tree.parent[i] === parent);

test('CUDA: the root is every outermost call, a box below it a function', t => {
  const { file, durationNs } = temporaryTrace(t);
  const tree = flame(openStore(t, file), { kind: 'cuda' });
  checkTree(tree);
  const time = `sum(ifnull(duration_ns, ${durationNs} - start_ns))`;
  assert.equal(tree.timeNs[0], number(file, `SELECT ${time} FROM cuda_call WHERE parent_id IS NULL`));
  assert.equal(tree.count[0], number(file, 'SELECT count(*) FROM cuda_call WHERE parent_id IS NULL'));
  const launches = box(tree, 'cudaLaunchKernel', 0);
  assert.equal(
    tree.timeNs[launches],
    number(
      file,
      `SELECT ${time} FROM cuda_call JOIN cuda_function f ON f.id = function_id WHERE f.name = 'cudaLaunchKernel'`,
    ),
  );
  assert.equal(
    tree.withStack,
    number(file, 'SELECT 1.0 * count(stack_id) / count(*) FROM cuda_call WHERE parent_id IS NULL'),
  );
});

test('CUDA: the driver call of calls without a stack stands in the box of its runtime call', t => {
  const { file } = temporaryTrace(t);
  const tree = flame(openStore(t, file), { kind: 'cuda', function: 'cudaLaunchKernel' });
  checkTree(tree);
  const runtime = box(tree, 'cudaLaunchKernel', 0);
  const driver = box(tree, 'cuLaunchKernel', runtime);
  assert.equal(
    tree.count[driver],
    number(
      file,
      `SELECT count(*) FROM cuda_call d JOIN cuda_call r ON r.id = d.parent_id JOIN cuda_function f ON f.id = r.function_id
       WHERE f.name = 'cudaLaunchKernel' AND r.stack_id IS NULL`,
    ),
  );
  assert.equal(tree.count[0], tree.count[runtime], 'nothing but what was asked for');
});

test('CUDA: a driver call that carries the stack of its runtime call says it no second time', t => {
  const { file } = temporaryTrace(t);
  const before = flame(openStore(t, file), { kind: 'cuda' });
  const database = new DatabaseSync(file);
  const { changes } = database
    .prepare(
      `UPDATE cuda_call SET stack_id = (SELECT r.stack_id FROM cuda_call r WHERE r.id = cuda_call.parent_id)
       WHERE parent_id IN (SELECT id FROM cuda_call WHERE stack_id IS NOT NULL)`,
    )
    .run();
  database.close();
  assert.ok(Number(changes) > 0);
  assert.deepEqual(flame(openStore(t, file), { kind: 'cuda' }), before);
});

test('off-CPU: boxes by reason; frames of the stack below, outermost first', t => {
  const { file, durationNs } = temporaryTrace(t);
  const tree = flame(openStore(t, file), { kind: 'off_cpu', thread: 3 });
  checkTree(tree);
  assert.equal(
    tree.timeNs[0],
    number(
      file,
      `SELECT sum(ifnull(duration_ns, ${durationNs} - start_ns)) FROM off_cpu WHERE thread_id = 3`,
    ),
  );
  const futex = box(tree, 'futex', 0);
  const start = box(tree, '_start', futex);
  assert.ok(start > 0 && box(tree, 'clone3', start) > 0);
});

test('an unknown function is told what was meant', t => {
  const { file } = temporaryTrace(t, { events: 500 });
  assert.throws(() => flame(openStore(t, file), { kind: 'cuda', function: 'cudaLaunchKernal' }), {
    message: 'unknown function "cudaLaunchKernal"; did you mean "cudaLaunchKernel"?',
  });
});
