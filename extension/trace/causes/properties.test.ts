// What holds for every trace, however wild: random intervals of random threads, with and without impossible values.
// WAKECHAIN_CASES sets how many are tried.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkTree } from '../../../test/fixtures/check-tree.ts';
import type { Belief, CausesResult } from '../api.ts';
import { REASONS } from '../columns/names.ts';
import { ns } from '../time.ts';
import { explainDelay, findCauses } from './index.ts';
import { MAX_DEPTH, MAX_NODES } from './walk.ts';

const schema = readFileSync(new URL('../../../collector/schema.sql', import.meta.url), 'utf8').replace(
  /CREATE VIEW[\s\S]*/,
  '',
);
const CASES = Number(process.env['WAKECHAIN_CASES'] ?? 200);
const END = 40_000_000;
const THREADS = 4;
const belief: Belief = {
  consistent: true,
  eventsLost: 0,
  losses: [],
  coverage: [],
  probesAsked: 0,
  probesAttached: 0,
  remarks: [],
};

type Value = number | bigint | null;

/** A time inside the capture, on a grid coarse enough that edges meet often. */
const tame = fc.nat(400).map(step => step * 100_000);
const wild: fc.Arbitrary<Value> = fc.oneof(
  { weight: 8, arbitrary: tame },
  fc.integer({ min: -1_000_000, max: 2 * END }),
  fc.constantFrom<Value>(null, -1, 0, 2n ** 53n, 2n ** 62n, -(2n ** 62n), Number.MAX_SAFE_INTEGER),
);
const small = (most: number): fc.Arbitrary<number | null> => fc.option(fc.nat(most), { nil: null, freq: 6 });

interface Trace {
  readonly offCpu: readonly (readonly Value[])[];
  readonly slices: readonly (readonly Value[])[];
  readonly calls: readonly (readonly Value[])[];
  readonly loss: readonly (readonly [number, number, string])[];
}

const traces = (time: fc.Arbitrary<Value>): fc.Arbitrary<Trace> => {
  const length = fc.oneof({ weight: 3, arbitrary: fc.nat(80).map(step => step * 50_000) }, time);
  const thread = fc.integer({ min: 0, max: THREADS + 1 });
  return fc.record({
    offCpu: fc.array(
      fc.tuple(
        thread,
        time,
        fc.option(length, { freq: 20, nil: null }),
        length,
        fc.integer({ min: 1, max: REASONS.length }),
        small(2),
        fc.constantFrom<Value>(0, 0, 6, 9, null),
        fc.constantFrom<Value>(2, 2, 0, null),
        small(THREADS),
        fc.constantFrom<Value>(101, 101, 101, 102, 103, null),
        small(2),
        small(2),
      ),
      { maxLength: 60 },
    ),
    slices: fc.array(fc.tuple(fc.nat(2), time, thread, length), { maxLength: 60 }),
    calls: fc.array(
      fc.tuple(thread, fc.integer({ min: 1, max: 2 }), time, fc.option(length, { nil: null })),
      {
        minLength: 1,
        maxLength: 20,
      },
    ),
    loss: fc.array(fc.tuple(fc.nat(END), fc.nat(END), fc.constantFrom('scheduler', 'cuda')), {
      maxLength: 2,
    }),
  });
};

function database(trace: Trace): DatabaseSync {
  const db = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  // A stranger's file need not keep to STRICT.
  db.exec(schema.replaceAll('STRICT, ', '').replaceAll(' STRICT', '').replaceAll(' NOT NULL', ''));
  db.exec(`INSERT INTO meta VALUES ('duration_ns', '${END}')`);
  const name = db.prepare('INSERT INTO name VALUES (?, ?)');
  REASONS.forEach((reason, index) => {
    name.run(index + 1, reason);
  });
  ['task', 'kernel_thread', 'interrupt'].forEach((context, index) => {
    name.run(101 + index, context);
  });
  db.exec("INSERT INTO process(id, pid, name, is_target) VALUES (1, 10, 'p', 1), (2, 20, 'q', 0)");
  for (let id = 1; id <= THREADS; id++) {
    db.exec(
      `INSERT INTO thread(id, process_id, tid, name) VALUES (${id}, ${(id % 2) + 1}, ${id * 11}, 't${id}')`,
    );
  }
  db.exec("INSERT INTO cuda_function VALUES (1, 'cudaLaunchKernel', 'runtime', 'launch')");
  db.exec("INSERT INTO cuda_function VALUES (2, 'cudaStreamSynchronize', 'runtime', 'synchronize')");
  const insert = (into: string, rows: readonly (readonly Value[])[]): void => {
    const [first] = rows;
    if (first === undefined) return;
    const statement = db.prepare(`INSERT OR IGNORE INTO ${into} VALUES (${first.map(() => '?').join(', ')})`);
    for (const row of rows) statement.run(...row);
  };
  insert(
    `off_cpu(thread_id, start_ns, duration_ns, runnable_ns, reason_id, object_id, futex_op, futex_value,
      waker_thread_id, waker_context_id, cpu_before, cpu_after)`,
    trace.offCpu,
  );
  insert('cpu_slice(cpu, start_ns, thread_id, duration_ns)', trace.slices);
  insert('cuda_call(thread_id, function_id, start_ns, duration_ns)', trace.calls);
  const loss = db.prepare("INSERT INTO loss VALUES (?, ?, ?, NULL, 'ring', 1)");
  for (const row of trace.loss) loss.run(...row);
  return db;
}

function examine(trace: Trace): string {
  const db = database(trace);
  try {
    const result: CausesResult = findCauses(db, { floorUs: 200 }, belief);
    const summed = result.byState.reduce((sum, { timeNs }) => sum + timeNs, 0);
    assert.equal(summed, result.delays.totalNs, 'states add up to the delays');
    const roots = result.causes.flatMap(({ examples }) => examples);
    for (const cause of result.causes) {
      assert.ok(cause.share >= 0 && cause.share <= 1, cause.sentence);
      assert.ok(cause.explained >= -1e-9 && cause.explained <= 1 + 1e-9, cause.sentence);
      assert.ok(Number.isSafeInteger(cause.timeNs), cause.sentence);
      assert.doesNotMatch(cause.sentence, /undefined|NaN|null/);
    }
    for (let thread = 1; thread <= THREADS; thread++) {
      const window = { startNs: ns(0), endNs: ns(END) };
      const cause = explainDelay(db, { thread, window });
      assert.equal(cause.examples[0]?.durationNs, END);
      roots.push(...cause.examples);
    }
    for (const root of roots) {
      const { nodes, depth } = checkTree(root);
      assert.ok(nodes <= MAX_NODES && depth <= MAX_DEPTH);
    }
    return JSON.stringify([result, roots]);
  } finally {
    db.close();
  }
}

test('trees add up, stay inside their parents and in bounds, and are the same each time', () => {
  fc.assert(
    fc.property(traces(tame), trace => {
      assert.equal(examine(trace), examine(trace));
    }),
    { numRuns: CASES },
  );
});

test('so they do where values are impossible', () => {
  fc.assert(
    fc.property(traces(wild), trace => {
      examine(trace);
    }),
    { numRuns: CASES },
  );
});
