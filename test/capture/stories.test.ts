// Every story once, short, with its quiet twin: what docs/truth.md publishes over many runs must hold in this one, by the
// bounds of a single story. Other load of the machine tells stories of its own: there are three tries.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Outcome, runStories } from '../lib/run-story.ts';
import { grouped, isQuiet, loadStory, storyNames, type Telling } from '../lib/tell.ts';

const SECONDS = 0.8;
const LEAST_PRECISION = 0.9;
const LEAST_RECALL = 0.75;

const faults = (outcome: Outcome): string => `${outcome.top}\n${JSON.stringify(outcome.wrong)}`;

function assertTrue(outcome: Outcome): void {
  const { delays, trueNs, blamedNs, rightNs, unconservedNs, topRight } = outcome;
  assert.ok(delays > 0, 'the workload logged no delay');
  assert.equal(unconservedNs, 0, 'the parts do not add up');
  assert.ok(rightNs >= LEAST_PRECISION * blamedNs, `precision ${rightNs / blamedNs}: ${faults(outcome)}`);
  assert.ok(rightNs >= LEAST_RECALL * trueNs, `recall ${rightNs / trueNs}: ${faults(outcome)}`);
  assert.ok(topRight, `the first finding: ${faults(outcome)}`);
}

function assertQuiet(outcome: Outcome): void {
  assert.equal(outcome.unconservedNs, 0, 'the parts do not add up');
  assert.deepEqual(outcome.falseFindings, []);
}

const TRIES = 3;
/** The programs of a group wait for their turn, a minute at most. */
const GROUP = 8;

const check = ({ twin }: Telling, outcome: Outcome): void =>
  twin ? assertQuiet(outcome) : assertTrue(outcome);

const tellings: Telling[] = [];
for (const name of storyNames()) {
  const story = await loadStory(name);
  if (!isQuiet(story)) tellings.push({ name, story, twin: false });
  tellings.push({ name, story, twin: true });
}

for (const group of grouped(tellings, GROUP))
  describe(`stories ${group[0]?.name} to ${group.at(-1)?.name}`, () => {
    let together: readonly Outcome[] = [];
    before(async () => {
      together = await runStories(group, SECONDS);
    });
    for (const [i, telling] of group.entries()) {
      const what = telling.twin ? 'its quiet twin: nothing is blamed' : telling.story.about;
      test(`${telling.name}: ${what}`, async () => {
        for (let attempt = 1; ; attempt++)
          try {
            const [outcome] = attempt === 1 ? together.slice(i) : await runStories([telling], SECONDS);
            assert.ok(outcome);
            return check(telling, outcome);
          } catch (error) {
            if (attempt === TRIES) throw error;
          }
      });
    }
  });

test('a twin that is not quiet is noticed', async () => {
  const name = 'condition-variable';
  const loud = { ...(await loadStory(name)), twin: [] };
  const [outcome] = await runStories([{ name, story: loud, twin: true }], SECONDS);
  assert.match(outcome?.falseFindings.join('\n') ?? '', /producer/);
});
