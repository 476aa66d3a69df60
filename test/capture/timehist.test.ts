// The time that a thread waited for a CPU, as the causes tell it, beside what `perf sched timehist` makes of its own
// recording of the same minute: within 5 %, for who was preempted in three of the stories.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ns } from '../../extension/trace/time.ts';
import { StoryTrace } from '../lib/found.ts';
import { buildWorkloads, withFolder } from '../lib/programs.ts';
import { truthOf } from '../lib/run-story.ts';
import { captureStories, loadStory } from '../lib/tell.ts';

const SECONDS = 1;
const MOST_APART = 0.05;
/** Windows of this length are explained one after the other: pieces that are short beside the whole are not followed. */
const WINDOW_NS = 20e6;

const preempted = [
  ['sibling-preemption', 'engine'],
  ['holder-preempted-gap', 'tokenizer'],
  ['realtime', 'engine'],
] as const;

function saidNs(trace: StoryTrace, tid: number, startNs: number, endNs: number): number {
  let sum = 0;
  for (let at = startNs; at < endNs; at += WINDOW_NS) {
    const tree = trace.explain(tid, { startNs: ns(at), endNs: ns(Math.min(at + WINDOW_NS, endNs)) });
    for (const { edge, durationNs } of tree.children) if (edge === 'runnable') sum += durationNs;
  }
  return sum;
}

test('waits for a CPU are as long as `perf sched timehist` says', async t => {
  buildWorkloads();
  const tellings = await Promise.all(
    preempted.map(async ([name]) => ({ name, story: await loadStory(name), twin: false })),
  );
  await withFolder(async folder => {
    const { trace: path, logs, witness } = await captureStories(tellings, SECONDS, folder);
    const trace = new StoryTrace(path);
    try {
      for (const [i, [name, thread]] of preempted.entries()) {
        const log = logs[i] ?? [];
        const truth = truthOf(log, trace);
        const tid = Number(log.find(line => line.type === 'thread' && line['name'] === thread)?.['tid']);
        const { startNs, endNs, waitedNs: seen } = witness.timehist(tid);
        const offsetNs = truth.monotonic(0);
        const said = saidNs(trace, tid, startNs - offsetNs, endNs - offsetNs);
        const what = `${name}: ${thread} waited ${(said / 1e6).toFixed(1)} ms, by perf ${(seen / 1e6).toFixed(1)} ms`;
        t.diagnostic(what);
        assert.ok(seen > 50e6, what);
        assert.ok(Math.abs(said - seen) <= MOST_APART * seen, what);
      }
    } finally {
      trace.close();
    }
  });
});
