// Handles that can be followed through a capture: kernels by name, launches by structure, a graph from its capture to its
// launch, the ranks of a communicator. The program's own log says what each call was about.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCapture } from '../lib/capture.ts';
import { buildWorkloads, fakeCuda, startWorkload, withFolder } from '../lib/programs.ts';
import { TraceFile } from '../lib/trace-file.ts';
import { parseLog } from '../lib/truth.ts';

test('what a handle stands for is known from the call that made it', async () => {
  buildWorkloads();
  await withFolder(async folder => {
    const [trace, log] = [join(folder, 'handles.wakechain.db'), join(folder, 'handles.log')];
    const program = await startWorkload('handles_by_ctypes.py', ['--folder', fakeCuda, '--log', log]);
    try {
      const target = ['--pid', String(program.pid), '--duration', '60', '--control-stdin'];
      const capture = await startCapture(['--output', trace, '--overhead-percent', '0', ...target]);
      program.say('go');
      assert.equal(await program.ended, 0, program.words);
      capture.program.say('stop');
      await capture.finished;
    } finally {
      program.kill();
    }
    const file = new TraceFile(trace);
    try {
      const did = parseLog(readFileSync(log, 'utf8')).filter(line => line.type === 'did');
      const rows = file.rows('SELECT * FROM cuda_calls WHERE parent_id IS NULL ORDER BY start_ns');
      assert.deepEqual(
        rows.map(row => row['function']),
        did.map(line => line['function']),
        'every call, once, in order; what the driver did inside is a child',
      );
      did.forEach((line, index) => {
        const row = rows[index] ?? {};
        for (const [fact, value] of Object.entries(line)) {
          const triple = (what: string) => ['x', 'y', 'z'].map(axis => row[`${what}_${axis}`]);
          if (fact === 'grid' || fact === 'block')
            assert.deepEqual(triple(fact), value, String(line['function']));
          else if (fact === 'shared') assert.equal(row['shared_bytes'], value);
          else if (['kernel', 'stream', 'object', 'bytes'].includes(fact))
            assert.equal(row[fact], value, `${line['function']}: ${fact}`);
        }
      });
      // the runtime's launch by structure, and the driver's inside it: one kernel, one shape
      const [inside] = file.rows(
        `SELECT c.kernel_id = p.kernel_id AS kernel, c.shape_id = p.shape_id AS shape, c.stream_id = p.stream_id AS stream
         FROM cuda_call c JOIN cuda_call p ON p.id = c.parent_id JOIN cuda_function f ON f.id = p.function_id
         WHERE f.name = 'cudaLaunchKernelExC'`,
      );
      assert.deepEqual({ ...inside }, { kernel: 1, shape: 1, stream: 1 });
      // which graph an executable one was made of
      const [graph] = file.rows(
        `SELECT g.handle FROM cuda_object x JOIN cuda_object g ON g.id = json_extract(x.details, '$.graph_id')
         WHERE x.kind = 'graph_exec'`,
      );
      assert.equal(graph?.['handle'], did.find(line => line['graph'] !== undefined)?.['graph']);
      const ranks = file.rows(
        `SELECT json_extract(details, '$.rank') AS rank, json_extract(details, '$.ranks') AS ranks,
                count(*) OVER (PARTITION BY json_extract(details, '$.id')) AS of_one
         FROM cuda_object WHERE kind = 'communicator' ORDER BY 1`,
      );
      assert.deepEqual(
        ranks.map(row => Object.values(row)),
        [
          [0, 2, 2],
          [1, 2, 2],
        ],
      );
      const unnamed = "SELECT name FROM cuda_kernel WHERE name LIKE '0x%'";
      assert.deepEqual(file.rows(unnamed), []);
    } finally {
      file.close();
    }
  });
});
